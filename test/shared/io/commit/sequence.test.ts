import { describe, expect, it } from "vitest";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import { NO_EFFECTS, type Effects } from "../../../../shared/function.ts";
import { CALL_LIMITS } from "../../../../shared/io/commit/calls.ts";
import { GROUP, useCommit } from "./commit-fixture.ts";
import { dispatch, record } from "./sample-effects.ts";

const fixture = useCommit();
const {
  commitOver,
  outcomesOf,
  deliver,
  deliverOne,
  pendingCount,
  contents,
  results,
  metrics,
  sequenceKey,
  labelled,
  beforeCall,
} = fixture;

describe("a call in a sequence", () => {
  const DECIDED = { version: "v1", epoch: "0" };
  /** Enough entries for three calls. */
  const THREE_CALLS = 3 * CALL_LIMITS.entries;

  const last = async (): Promise<string | null> => fixture.redis.get(sequenceKey());

  async function deliverMany(effects: (n: number) => Effects): Promise<CommitItem[]> {
    return (await deliver(THREE_CALLS)).map((id, n) => ({ id, effects: effects(n) }));
  }

  async function statusesOf(items: readonly CommitItem[], options: CommitOptions): Promise<string[]> {
    return (await fixture.commit(items, options)).map(({ answer }) => answer.status);
  }

  it("is committed directly after the one it follows, and changes nothing when it is early", async () => {
    const [a, b, c] = (await deliver(3)).map((id) => [{ id, effects: dispatch(id) }]);
    if (a === undefined || b === undefined || c === undefined) throw new Error("too few were delivered");
    const steps: readonly (readonly [items: CommitItem[], label: string, follows: string, answer: string])[] =
      [
        [a, "1", "0", "early"],
        [a, "1", "", "applied"],
        [c, "3", "2", "early"],
        [b, "2", "1", "applied"],
        // The one it follows is committed, but not directly before.
        [c, "3", "1", "early"],
        [c, "3", "2", "applied"],
        [a, "4", "2", "early"],
        [a, "4", "", "fenced"],
      ];
    for (const [items, label, follows, answer] of steps) {
      const before = await contents();
      const labelBefore = await last();
      expect(await outcomesOf(items, labelled([label], follows))).toStrictEqual([answer]);
      expect(await last()).toBe(answer === "early" ? labelBefore : label);
      if (answer === "early") expect(await contents()).toStrictEqual(before);
    }
    expect(await results()).toStrictEqual([a, b, c].map(([item]) => item?.id));
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "3" });
  });

  it("gets a turn once all calls of its commit are ready, and reports when they have been sent", async () => {
    const items = await deliverMany((n) => record(String(n)));
    const steps: string[] = [];
    const watched = beforeCall(3, async () => void steps.push("third call"));
    const options: CommitOptions = {
      ...GROUP,
      async turn(calls) {
        steps.push(`turn for ${calls}`);
        return {
          key: sequenceKey(),
          labels: ["1", "2", "3"],
          follows: "",
          onSent: () => void steps.push("sent"),
        };
      },
    };
    const parts = await commitOver(watched)(items, options);
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["committed", "committed", "committed"]);
    expect(steps).toStrictEqual(["turn for 3", "third call", "sent"]);
    expect(await last()).toBe("3");
  });

  it("is not sent when its commit does not get a turn", async () => {
    const items = [{ id: await deliverOne(), effects: dispatch("u") }];
    const before = await contents();
    const turn = async (): Promise<never> => {
      throw new Error("the end");
    };
    await expect(fixture.commit(items, { ...GROUP, turn })).rejects.toThrow("the end");
    expect(await contents()).toStrictEqual(before);
  });

  it("is early when it overtakes the one of its commit that it follows", async () => {
    const items = await deliverMany((n) => record(String(n)));
    // While the first one waits for this answer, the others are sent.
    const overtaken = beforeCall(1, async () => void (await fixture.redis.ping()));
    const commitOnce = commitOver(overtaken);
    const parts = await commitOnce(items, labelled(["1", "2", "3"]));
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["committed", "early", "early"]);
    expect(await statusesOf(items, labelled(["4", "5", "6"], "1"))).toStrictEqual([
      "committed",
      "committed",
      "committed",
    ]);
    expect(await results()).toStrictEqual(items.map((_, n) => String(n)));
  });

  it.each([
    { call: 0, statuses: ["blocked", "early", "early"], label: null },
    { call: 1, statuses: ["committed", "blocked", "early"], label: "1" },
    { call: 2, statuses: ["committed", "committed", "blocked"], label: "2" },
  ])("is early after call $call of its commit, which is blocked", async ({ call, statuses, label }) => {
    await fixture.redis.set(fixture.keys.stream("system_events"), "x");
    const inTheWay: Effects = { append: [{ stream: "system_events", fields: { a: "b" } }], count: [] };
    const items = await deliverMany((n) => (n === call * CALL_LIMITS.entries ? inTheWay : record(String(n))));
    const before = await contents();
    expect(await statusesOf(items, labelled(["1", "2", "3"]))).toStrictEqual(statuses);
    expect(await last()).toBe(label);
    expect(await results()).toHaveLength(call * CALL_LIMITS.entries);
    expect(await pendingCount()).toBe(THREE_CALLS - call * CALL_LIMITS.entries);
    if (call === 0) expect(await contents()).toStrictEqual(before);
  });

  it("is stale when its decisions are outdated, also if it is early", async () => {
    await fixture.redis.set(fixture.keys.referenceCurrent, "v2");
    const items = await deliverMany((n) => dispatch(String(n)));
    const before = await contents();
    for (const follows of ["", "0"]) {
      const options = { ...labelled(["1", "2", "3"], follows), decidedOn: DECIDED };
      expect(await statusesOf(items, options)).toStrictEqual(["stale", "stale", "stale"]);
    }
    expect(await contents()).toStrictEqual(before);
  });

  it("is early after one that was stale, although it would not be stale itself", async () => {
    await fixture.redis.set(fixture.keys.referenceCurrent, "v2");
    const items = await deliverMany((n) => dispatch(String(n)));
    const before = await contents();
    const backAgain = beforeCall(
      2,
      async () => void (await fixture.redis.set(fixture.keys.referenceCurrent, "v1")),
    );
    const commitOnce = commitOver(backAgain);
    const options: CommitOptions = { ...labelled(["1", "2", "3"]), decidedOn: DECIDED };
    const parts = await commitOnce(items, options);
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["stale", "early", "early"]);
    await fixture.redis.set(fixture.keys.referenceCurrent, "v2");
    expect(await contents()).toStrictEqual(before);
  });

  it("is remembered as the last one for a minute at most", async () => {
    const [a = "", b = ""] = await deliver(2);
    for (const [id, label] of [
      [a, "1"],
      [b, "2"],
    ] as const) {
      await outcomesOf([{ id, effects: NO_EFFECTS }], labelled([label]));
      const ttl = await fixture.redis.pttl(sequenceKey());
      expect(ttl).toBeGreaterThan(50_000);
      expect(ttl).toBeLessThanOrEqual(60_000);
    }
  });

  it("is blocked when the key of the sequence is of another type, whatever it follows", async () => {
    await fixture.redis.rpush(sequenceKey(), "1");
    const items = [{ id: await deliverOne(), effects: dispatch("u") }];
    const before = await contents();
    const answer = { status: "blocked", key: sequenceKey(), problem: "is a list, expected a string" };
    for (const follows of ["", "1"]) {
      expect(await fixture.commit(items, labelled(["2"], follows))).toStrictEqual([{ items, answer }]);
    }
    expect(await contents()).toStrictEqual(before);
    expect(await outcomesOf(items)).toStrictEqual(["applied"]);
  });

  it("is none of the second round, for lost claims: that neither waits nor is remembered", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const items = [
      { id: b, effects: dispatch("u", "second") },
      { id: c, effects: record("neighbour") },
    ];
    const turns: number[] = [];
    const options: CommitOptions = {
      ...GROUP,
      async turn(calls) {
        turns.push(calls);
        return { key: sequenceKey(), labels: ["1"], follows: "", onSent: () => undefined };
      },
    };
    const anotherReader = beforeCall(2, async () => {
      expect(await last()).toBe("1");
      await fixture.redis.set(sequenceKey(), "9");
    });
    const parts = await commitOver(anotherReader)(items, options);
    expect(parts).toMatchObject([
      { answer: { status: "committed", outcomes: ["applied"] } },
      { answer: { status: "committed", outcomes: ["duplicate"] } },
    ]);
    expect([turns, await last(), await fixture.redis.pttl(sequenceKey())]).toStrictEqual([[1], "9", -1]);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });
});
