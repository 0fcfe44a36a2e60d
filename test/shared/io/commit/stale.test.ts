import { describe, expect, it } from "vitest";
import { NO_EFFECTS } from "../../../../shared/function.ts";
import { CALL_LIMITS } from "../../../../shared/io/commit/calls.ts";
import { readTime } from "../../../../shared/io/redis/clock.ts";
import { useCommit } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";
import { DECIDED, useDecidedEntry } from "./untouched.ts";

const fixture = useCommit();
const { outcomesOf, deliver, contents } = fixture;

describe("nothing at all is written", () => {
  const entry = useDecidedEntry(fixture);
  const { expectUntouched } = entry;

  it("unless what the entries were decided on is current", async () => {
    expect(await outcomesOf([{ id: entry.id, effects: dispatch("u") }], DECIDED)).toStrictEqual(["applied"]);
  });

  it("unless the group is held under the token of the commit; that is asked before anything else", async () => {
    const { redis, keys } = fixture;
    const holding = { group: "signal_processor", token: "mine" } as const;
    const options = { ...DECIDED, holding };
    await expectUntouched(options, { status: "deposed" });
    await redis.hset(keys.groupLease("signal_processor"), "token", "another");
    await redis.set(keys.referenceCurrent, "v2");
    await expectUntouched({ ...options, ...fixture.labelled(["b"], "a") }, { status: "deposed" });
    await redis.set(keys.referenceCurrent, "v1");
    await redis.hset(keys.groupLease("signal_processor"), "token", "mine");
    expect(await outcomesOf([{ id: entry.id, effects: dispatch("u") }], options)).toStrictEqual(["applied"]);
  });

  const changes: readonly { what: string; change: () => Promise<unknown>; version: string; epoch: string }[] =
    [
      {
        what: "the snapshot was swapped",
        change: () => fixture.redis.set(fixture.keys.referenceCurrent, "v2"),
        version: "v2",
        epoch: "7",
      },
      {
        what: "the snapshot is gone",
        change: () => fixture.redis.del(fixture.keys.referenceCurrent),
        version: "",
        epoch: "7",
      },
      {
        what: "a strategy was paused",
        change: () => fixture.redis.hincrby(fixture.keys.control, "epoch", 1),
        version: "v1",
        epoch: "8",
      },
      {
        what: "the control hash is gone",
        change: () => fixture.redis.del(fixture.keys.control),
        version: "v1",
        epoch: "0",
      },
    ];
  it.each(changes)("when $what", async ({ change, version, epoch }) => {
    await change();
    await expectUntouched(DECIDED, { status: "stale", version, epoch });
  });

  it("unless the control hash is missing and the entries were decided on epoch 0", async () => {
    await fixture.redis.del(fixture.keys.control);
    const never = { ...DECIDED, decidedOn: { version: "v1", epoch: "0" } };
    expect(await outcomesOf([{ id: entry.id, effects: NO_EFFECTS }], never)).toStrictEqual(["applied"]);
  });

  it.each([-3_600_000, -2_001, 20_000, 3_600_000])(
    "when the decision was made %d ms ahead of Redis' clock, and the answer says so",
    async (aheadMs) => {
      const before = await contents();
      const at = (await readTime(fixture.redis)) + aheadMs;
      const decided = { ...DECIDED, decidedOn: { version: "v1", epoch: "7", at } };
      const [part] = await fixture.commit([{ id: entry.id, effects: dispatch("u") }], decided);
      expect(part?.answer).toMatchObject({ status: "stale", version: "v1", epoch: "7" });
      // Time has passed since Redis was asked for its own.
      const said = part?.answer.status === "stale" ? (part.answer.aheadMs ?? 0) : 0;
      expect(said).toBeLessThanOrEqual(aheadMs);
      expect(said).toBeGreaterThan(aheadMs - 20_000);
      expect(await contents()).toStrictEqual(before);
    },
  );

  it.each([0, 1_999])("unless the decision is of the last 2 s or ahead by less: %d ms", async (aheadMs) => {
    const at = (await readTime(fixture.redis)) + aheadMs;
    const decided = { ...DECIDED, decidedOn: { version: "v1", epoch: "7", at } };
    expect(await outcomesOf([{ id: entry.id, effects: dispatch("u") }], decided)).toStrictEqual(["applied"]);
  });

  it("by the first call or any other of a large commit", async () => {
    const ids = await deliver(3 * CALL_LIMITS.entries);
    await fixture.redis.set(fixture.keys.referenceCurrent, "v2");
    const before = await contents();
    const parts = await fixture.commit(
      ids.map((one) => ({ id: one, effects: dispatch(one) })),
      DECIDED,
    );
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["stale", "stale", "stale"]);
    expect(await contents()).toStrictEqual(before);
  });
});
