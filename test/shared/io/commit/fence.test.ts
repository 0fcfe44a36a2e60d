import { describe, expect, it } from "vitest";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import { NO_EFFECTS, type Effects } from "../../../../shared/function.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { addEntries } from "../../../servers/redis-contents.ts";
import { startRelay } from "../../../servers/relay.ts";
import { DEAD_LETTER, DEDUP_TTL_MS, GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch, record } from "./sample-effects.ts";

const fixture = useCommit();
const { commitOver, outcomesOf, deliver, deliverOne, pendingCount, contents, fields, results, metrics } =
  fixture;

/** The error of a command whose connection broke. */
const CUT = /max retries per request|ECONNRESET/;

describe("the fence", () => {
  /** Items of two entries with this fence. */
  const fences: readonly { kind: string; options: CommitOptions; items: () => Promise<CommitItem[]> }[] = [
    {
      kind: "group",
      options: GROUP,
      items: async () => (await deliver(2)).map((id) => ({ id, effects: dispatch(id) })),
    },
    {
      kind: "dead_letter",
      options: DEAD_LETTER,
      async items() {
        const letters = await addEntries(fixture.redis, fixture.keys.stream("dead_letters"), 2);
        return letters.map((deadLetterId, n) => ({
          id: `5-${n}`,
          deadLetterId,
          effects: dispatch(deadLetterId),
        }));
      },
    },
    {
      kind: "once",
      options: ONCE,
      items: () => Promise.resolve(["5-0", "5-1"].map((id) => ({ id, effects: dispatch(id) }))),
    },
  ];

  it.each(fences)("of kind $kind lets the same items through once", async ({ options, items }) => {
    const both = await items();
    expect(await outcomesOf(both, options)).toStrictEqual(["applied", "applied"]);
    expect(await fields("strategy_input_stream")).toHaveLength(4);
    const before = await contents();
    expect(await outcomesOf(both, options)).toStrictEqual(["fenced", "fenced"]);
    expect(await contents()).toStrictEqual(before);
  });

  it.each(fences)("of kind $kind lets an item that comes twice in one call through once", async (fence) => {
    const [item] = await fence.items();
    if (item === undefined) throw new Error("no item");
    expect(await outcomesOf([item, item], fence.options)).toStrictEqual(["applied", "fenced"]);
    expect(await results()).toHaveLength(1);
  });

  it.each(fences)(
    "of kind $kind: an answer lost on the wire and the same commit again do it once",
    async (fence) => {
      const items = await fence.items();
      const proxy = await startRelay(Number(new URL(redisUrl()).port));
      const url = `redis://127.0.0.1:${proxy.port}`;
      const lossy = openRedis({
        key: "test",
        url,
        role: "commands",
        name: "lossy",
        onError: () => undefined,
      });
      const lossyCommit = commitOver(lossy);
      const options: CommitOptions = { ...fence.options, timing: "f" };
      await lossy.ping();

      proxy.loseNextAnswer();
      await expect(lossyCommit(items, options)).rejects.toThrow(CUT);
      expect(await results()).toHaveLength(2);
      const before = await contents();
      expect(await lossyCommit(items, options)).toStrictEqual([
        { items, answer: { status: "committed", outcomes: ["fenced", "fenced"] } },
      ]);
      expect(await contents()).toStrictEqual(before);
      lossy.disconnect();
      await proxy.stop();
    },
  );

  it("of a commit of many calls, whose first answer was lost, lets each entry through once in the end", async () => {
    const ids = await deliver(600);
    const items = ids.map((id): CommitItem => ({ id, effects: dispatch(id) }));
    const proxy = await startRelay(Number(new URL(redisUrl()).port));
    const url = `redis://127.0.0.1:${proxy.port}`;
    const lossy = openRedis({ key: "test", url, role: "commands", name: "lossy", onError: () => undefined });
    await lossy.ping();
    const lossyCommit = commitOver(lossy);
    proxy.loseNextAnswer();
    await expect(lossyCommit(items, GROUP)).rejects.toThrow(CUT);
    await lossyCommit(items, GROUP);
    const recorded = await results();
    expect([recorded.length, new Set(recorded)]).toStrictEqual([600, new Set(ids)]);
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "600" });
    lossy.disconnect();
    await proxy.stop();
  });

  it("is not won for an entry that was never delivered, or by a group that is not there", async () => {
    await deliver(1);
    const [undelivered = ""] = await addEntries(fixture.redis, fixture.keys.stream("signals_stream"), 1);
    const before = await contents();
    expect(await outcomesOf([{ id: undelivered, effects: dispatch("u") }])).toStrictEqual(["fenced"]);
    const fence = { kind: "group", stream: "signal_results", group: "log_writer" } as const;
    expect(await outcomesOf([{ id: "5-0", effects: dispatch("u") }], { fence })).toStrictEqual(["fenced"]);
    expect(await contents()).toStrictEqual(before);
  });

  it("of a manual run holds for that invocation only, and ends with the dedup time", async () => {
    const item: CommitItem = { id: "5-0", effects: record("r") };
    expect(await outcomesOf([item], ONCE)).toStrictEqual(["applied"]);
    const other = { fence: { kind: "once", invocation: "replay-2" } } as const;
    expect(await outcomesOf([item], other)).toStrictEqual(["applied"]);
    const ttl = await fixture.redis.pttl(fixture.keys.done("replay-1", "5-0"));
    expect(ttl).toBeGreaterThan(DEDUP_TTL_MS - 10_000);
    expect(ttl).toBeLessThanOrEqual(DEDUP_TTL_MS);
  });

  it("acknowledges an entry whose effects are none", async () => {
    const id = await deliverOne();
    expect(await outcomesOf([{ id, effects: NO_EFFECTS }])).toStrictEqual(["applied"]);
    expect(await pendingCount()).toBe(0);
    expect(await fixture.redis.exists(fixture.keys.metrics)).toBe(0);
  });

  it("removes the dead letter that was retried and leaves the others", async () => {
    const [first = "", second = ""] = await addEntries(fixture.redis, fixture.keys.stream("dead_letters"), 2);
    await outcomesOf([{ id: "5-0", deadLetterId: second, effects: record("r") }], DEAD_LETTER);
    expect(await fixture.redis.xrange(fixture.keys.stream("dead_letters"), "-", "+")).toStrictEqual([
      [first, ["n", "0"]],
    ]);
  });

  it("of a retried dead letter lets its effects add the next dead letter", async () => {
    const [deadLetterId = ""] = await addEntries(fixture.redis, fixture.keys.stream("dead_letters"), 1);
    const effects: Effects = { append: [{ stream: "dead_letters", fields: { again: "1" } }], count: [] };
    expect(await outcomesOf([{ id: "5-0", deadLetterId, effects }], DEAD_LETTER)).toStrictEqual(["applied"]);
    expect(await fields("dead_letters")).toStrictEqual([{ again: "1" }]);
  });
});
