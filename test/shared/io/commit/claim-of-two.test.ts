import { describe, expect, it } from "vitest";
import { NO_EFFECTS } from "../../../../shared/function.ts";
import { ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";

/** A claim of two uids: what the letter is, and what is held afterwards, whichever entry holds which of them before. */

const fixture = useCommit();
const { outcomesOf, deliver, results } = fixture;

const SELF = "this entry";
const OTHER = "1-1";
const THIRD = "2-2";

describe("a claim of two uids", () => {
  it.each([
    { uid: null, also: null, outcome: "applied", after: [SELF, SELF] },
    { uid: OTHER, also: null, outcome: "duplicate", holder: OTHER, after: [OTHER, null] },
    { uid: null, also: OTHER, outcome: "duplicate", holder: OTHER, after: [null, OTHER] },
    { uid: OTHER, also: THIRD, outcome: "duplicate", holder: OTHER, after: [OTHER, THIRD] },
    { uid: SELF, also: null, outcome: "held", after: [SELF, null] },
    { uid: null, also: SELF, outcome: "held", after: [null, SELF] },
    { uid: SELF, also: SELF, outcome: "held", after: [SELF, SELF] },
    { uid: SELF, also: OTHER, outcome: "held", after: [SELF, OTHER] },
    { uid: OTHER, also: SELF, outcome: "held", after: [OTHER, SELF] },
  ])("with the first of $uid and the second of $also is $outcome", async ({ uid, also, ...expected }) => {
    const [id = ""] = await deliver(1);
    const { redis, keys } = fixture;
    const named = (holder: string | null) => (holder === SELF ? id : holder);
    const heldBefore = { u: named(uid), v: named(also) };
    for (const [name, holder] of Object.entries(heldBefore))
      if (holder !== null) await redis.set(keys.dedup(name), holder);
    const items = [{ id, effects: dispatch("u", "signal", "v") }];
    expect(await outcomesOf(items)).toStrictEqual([expected.outcome]);
    const held = [await redis.get(keys.dedup("u")), await redis.get(keys.dedup("v"))];
    expect(held).toStrictEqual(expected.after.map(named));
    const recorded = { applied: ["signal"], duplicate: [`signal of ${expected.holder}`], held: [] };
    expect(await results()).toStrictEqual(recorded[expected.outcome as keyof typeof recorded]);
    // Repeated, as after a commit whose answer was lost: nothing happens, and nothing more is held or released.
    expect(await outcomesOf(items)).toStrictEqual(["fenced"]);
    expect([await redis.get(keys.dedup("u")), await redis.get(keys.dedup("v"))]).toStrictEqual(held);
  });

  it("is released whole by an entry that loses its fence", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: NO_EFFECTS }]);
    expect(await outcomesOf([{ id: a, effects: dispatch("u", "first", "v") }])).toStrictEqual(["fenced"]);
    expect(await fixture.redis.exists(fixture.keys.dedup("u"), fixture.keys.dedup("v"))).toBe(0);
    expect(await outcomesOf([{ id: b, effects: dispatch("w", "second", "v") }])).toStrictEqual(["applied"]);
  });

  it("is lost to a claim of one of them within one commit, and both end together", async () => {
    const [a = "", b = "", c = "", d = ""] = await deliver(4);
    const outcomes = await outcomesOf([
      { id: a, effects: dispatch("u", "first", "v") },
      { id: b, effects: dispatch("v", "second") },
      { id: c, effects: dispatch("w", "third", "u") },
      { id: d, effects: dispatch("w", "fourth") },
    ]);
    expect(outcomes).toStrictEqual(["applied", "applied", "duplicate", "duplicate"]);
    expect(await results()).toStrictEqual(["first", "fourth", `second of ${a}`, `third of ${d}`]);
    const ends = await Promise.all(
      ["u", "v"].map(async (uid) => fixture.redis.pexpiretime(fixture.keys.dedup(uid))),
    );
    expect(ends[0]).toBe(ends[1]);
  });

  it("that was committed before is held when its entry is decided again with other uids", async () => {
    const [id = ""] = await deliver(1);
    expect(await outcomesOf([{ id, effects: dispatch("t1", "first", "s") }], ONCE)).toStrictEqual([
      "applied",
    ]);
    expect(await outcomesOf([{ id, effects: dispatch("t2", "second", "s") }])).toStrictEqual(["held"]);
    expect(await fixture.redis.exists(fixture.keys.dedup("t2"))).toBe(0);
    expect(await results()).toStrictEqual(["first"]);
  });
});
