import { describe, expect, it } from "vitest";
import type { CommitItem } from "../../../../shared/commit.ts";
import { HOLDER, NO_EFFECTS, type Branch, type Effects } from "../../../../shared/function.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { DEDUP_TTL_MS, GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch, record, result } from "./sample-effects.ts";

const fixture = useCommit();
const {
  commitOver,
  outcomesOf,
  deliver,
  deliverOne,
  pendingCount,
  contents,
  fields,
  results,
  metrics,
  beforeCall,
} = fixture;

describe("the claim of a uid", () => {
  it("is won by the first entry and lost by the others, across calls and within one", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    const first = await outcomesOf([
      { id: a, effects: dispatch("u", "first") },
      { id: b, effects: dispatch("u", "second") },
    ]);
    expect(first).toStrictEqual(["applied", "duplicate"]);
    expect(await outcomesOf([{ id: c, effects: dispatch("u", "third") }])).toStrictEqual(["duplicate"]);
    expect(await results()).toStrictEqual(["first", `second of ${a}`, `third of ${a}`]);
    expect(await fields("strategy_input_stream")).toStrictEqual([
      { strategy_id: "1", uid: "u", text: "first" },
      { strategy_id: "2", uid: "u", text: "first" },
    ]);
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "1", "signals:duplicate": "2" });
    expect(await pendingCount()).toBe(0);
  });

  it("is kept under the entry's id for the dedup time, and not prolonged by those who lose it", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    const expiresAt = await fixture.redis.pexpiretime(fixture.keys.dedup("u"));
    expect(expiresAt - Date.now()).toBeGreaterThan(DEDUP_TTL_MS - 10_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(DEDUP_TTL_MS + 1_000);
    await outcomesOf([{ id: b, effects: dispatch("u") }]);
    expect(await fixture.redis.get(fixture.keys.dedup("u"))).toBe(a);
    expect(await fixture.redis.pexpiretime(fixture.keys.dedup("u"))).toBe(expiresAt);
  });

  it("held by this very entry means it is done already: only the acknowledgement happens", async () => {
    const id = await deliverOne();
    await outcomesOf([{ id, effects: dispatch("u") }], ONCE);
    const before = await contents();
    expect(await outcomesOf([{ id, effects: dispatch("u") }])).toStrictEqual(["held"]);
    const { signals_stream: source, ...after } = await contents();
    const { signals_stream: sourceBefore, ...others } = before;
    expect(after).toStrictEqual(others);
    expect(source).not.toBe(sourceBefore);
    expect(await pendingCount()).toBe(0);
  });

  it("is not made by an entry that loses its fence", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: NO_EFFECTS }]);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    expect(await fixture.redis.exists(fixture.keys.dedup("u"))).toBe(0);
    expect(await outcomesOf([{ id: b, effects: dispatch("u") }])).toStrictEqual(["applied"]);
  });

  it("puts the holder's id in place of the first placeholder of each field of the lost branch, and only there", async () => {
    const [a = "", b = ""] = await deliver(2);
    const text = `%1 ${HOLDER} and ${HOLDER}`;
    const ifLost: Branch = {
      append: [
        { stream: "signal_results", fields: { data: text, more: HOLDER, none: "{{holder" } },
        { stream: "system_events", each: [{ text }, { text: "plain" }], fields: { data: HOLDER } },
      ],
      count: [],
    };
    const effects: Effects = { append: [result(text)], count: [], claim: { uid: "u", ifLost } };
    await outcomesOf([
      { id: a, effects },
      { id: b, effects },
    ]);
    expect(await fields("signal_results")).toStrictEqual([
      { data: text },
      { data: `%1 ${a} and ${HOLDER}`, more: a, none: "{{holder" },
    ]);
    expect(await fields("system_events")).toStrictEqual([
      { text: `%1 ${a} and ${HOLDER}`, data: a },
      { text: "plain", data: a },
    ]);
  });

  it("counts as lost to an unknown entry when its key is of another type", async () => {
    const [a = "", b = ""] = await deliver(2);
    await fixture.redis.rpush(fixture.keys.dedup("u"), "x");
    const items = [
      { id: a, effects: dispatch("u") },
      { id: b, effects: record("neighbour") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "duplicate"]);
    expect(await results()).toStrictEqual(["neighbour", "u of unknown"]);
    expect(await fields("strategy_input_stream")).toStrictEqual([]);
    expect(await fixture.redis.lrange(fixture.keys.dedup("u"), 0, -1)).toStrictEqual(["x"]);
  });

  it("that was held at first and is free a moment later is made", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const interfering = beforeCall(2, async () => void (await fixture.redis.del(fixture.keys.dedup("u"))));
    const items = [{ id: b, effects: dispatch("u", "second") }];
    const parts = await commitOver(interfering)(items, GROUP);
    expect(parts).toStrictEqual([{ items, answer: { status: "committed", outcomes: ["applied"] } }]);
    expect(await fixture.redis.get(fixture.keys.dedup("u"))).toBe(b);
    expect(await results()).toStrictEqual(["first", "second"]);
    expect(await pendingCount()).toBe(0);
  });

  it("that is lost, and then the answer too, still reports what else was committed", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const lost: CommitItem = { id: b, effects: dispatch("u", "second") };
    const neighbour: CommitItem = { id: c, effects: record("neighbour") };
    const cut = async (): Promise<never> => {
      throw new Error("connection lost");
    };
    const commitOnce = commitOver(beforeCall(2, cut));
    const parts = await commitOnce([lost, neighbour], GROUP);
    expect(parts).toStrictEqual([
      { items: [neighbour], answer: { status: "committed", outcomes: ["applied"] } },
    ]);
    const commitAgain = commitOver(beforeCall(2, cut));
    await expect(commitAgain([lost], GROUP)).rejects.toThrow("connection lost");
    expect(await pendingCount()).toBe(1);
    expect(await outcomesOf([lost])).toStrictEqual(["duplicate"]);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });

  it("that is lost is recorded after what else was committed, and its branch is made once only", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    let made = 0;
    const { claim, ...won } = dispatch("u", "second");
    const effects: Effects = {
      ...won,
      claim: {
        uid: "u",
        get ifLost() {
          made += 1;
          return claim?.ifLost ?? NO_EFFECTS;
        },
      },
    };
    expect(await outcomesOf([{ id: a, effects: dispatch("u", "first") }])).toStrictEqual(["applied"]);
    expect(made).toBe(0);
    const items = [
      { id: b, effects },
      { id: c, effects: record("neighbour") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "duplicate"]);
    expect(made).toBe(1);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });

  it("can be made again when its time is over", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    await fixture.redis.del(fixture.keys.dedup("u"));
    expect(await outcomesOf([{ id: b, effects: dispatch("u") }])).toStrictEqual(["applied"]);
  });

  it("is won once by many entries on many connections", async () => {
    const ids = await deliver(40);
    const connections = Array.from({ length: 8 }, () => connectRedis());
    const outcomes = await Promise.all(
      ids.map(async (id, n) => {
        const connection = connections[n % connections.length] ?? fixture.redis;
        const [part] = await commitOver(connection)([{ id, effects: dispatch("u") }], GROUP);
        return part?.answer.status === "committed" ? part.answer.outcomes[0] : undefined;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(39);
    expect(await fields("strategy_input_stream")).toHaveLength(2);
    connections.forEach((each) => each.disconnect());
  });
});
