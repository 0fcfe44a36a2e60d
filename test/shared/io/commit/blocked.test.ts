import { describe, expect, it } from "vitest";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import { type Branch } from "../../../../shared/function.ts";
import { type Keys } from "../../../../shared/keys.ts";
import { addEntries } from "../../../servers/redis-contents.ts";
import { DEAD_LETTER, GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";
import { DECIDED, useDecidedEntry } from "./untouched.ts";

const fixture = useCommit();
const { outcomesOf, contents } = fixture;

describe("nothing at all is written", () => {
  const entry = useDecidedEntry(fixture);
  const { expectUntouched } = entry;

  const wrongTypes: readonly { what: string; key: (keys: Keys) => string; wanted: string }[] = [
    { what: "a stream of the won branch", key: (k) => k.stream("strategy_input_stream"), wanted: "stream" },
    { what: "a stream of both branches", key: (k) => k.stream("signal_results"), wanted: "stream" },
    { what: "metrics", key: (k) => k.metrics, wanted: "hash" },
    { what: "control", key: (k) => k.control, wanted: "hash" },
  ];
  it.each(wrongTypes)("when $what is of another type", async ({ key, wanted }) => {
    await fixture.redis.del(key(fixture.keys));
    await fixture.redis.set(key(fixture.keys), "x");
    const problem = `is a string, expected a ${wanted}`;
    await expectUntouched(DECIDED, { status: "blocked", key: key(fixture.keys), problem });
    await expectUntouched(GROUP, { status: "blocked", key: key(fixture.keys), problem });
  });

  it("when reference:current is of another type", async () => {
    await fixture.redis.del(fixture.keys.referenceCurrent);
    await fixture.redis.rpush(fixture.keys.referenceCurrent, "v1");
    const problem = "is a list, expected a string";
    await expectUntouched(DECIDED, { status: "blocked", key: fixture.keys.referenceCurrent, problem });
  });

  it.each([GROUP, DEAD_LETTER])(
    "when the source of fence $fence.kind is of another type",
    async (options) => {
      const source = fixture.keys.stream(options === GROUP ? "signals_stream" : "dead_letters");
      await fixture.redis.del(source);
      await fixture.redis.set(source, "x");
      const before = await contents();
      const items = [{ id: entry.id, deadLetterId: "1-1", effects: dispatch("u") }];
      const answer = { status: "blocked", key: source, problem: "is a string, expected a stream" };
      expect(await fixture.commit(items, options)).toStrictEqual([{ items, answer }]);
      expect(await contents()).toStrictEqual(before);
    },
  );

  it("when a stream of the branch for a lost claim is of another type, once that is needed", async () => {
    await fixture.redis.set(fixture.keys.stream("system_events"), "x");
    const ifLost: Branch = { append: [{ stream: "system_events", fields: { a: "b" } }], count: [] };
    const items = [{ id: entry.id, effects: { ...dispatch("u"), claim: { uid: "u", ifLost } } }];
    await fixture.redis.set(fixture.keys.dedup("u"), "1-0");
    const before = await contents();
    const parts = await fixture.commit(items, GROUP);
    expect(parts).toMatchObject([
      { answer: { status: "blocked", key: fixture.keys.stream("system_events") } },
    ]);
    expect(await contents()).toStrictEqual(before);
    await fixture.redis.del(fixture.keys.dedup("u"));
    expect(await outcomesOf(items)).toStrictEqual(["applied"]);
  });

  it.each<{ what: string; item: Partial<CommitItem>; options: CommitOptions }>([
    { what: "an id that is none", item: { id: "abc" }, options: GROUP },
    { what: "an id beyond 64 bits", item: { id: "18446744073709551616-0" }, options: GROUP },
    { what: "an id that is none in a manual run", item: { id: "posted" }, options: { ...ONCE, timing: "f" } },
    { what: "no dead letter to its retry", item: {}, options: DEAD_LETTER },
    { what: "a dead letter's id that is none", item: { deadLetterId: "x" }, options: DEAD_LETTER },
    {
      what: "an entry without fields",
      item: { effects: { append: [{ stream: "signal_results", fields: {} }], count: [] } },
      options: GROUP,
    },
  ])("for any item of a call with $what", async ({ item, options }) => {
    const [deadLetterId = ""] = await addEntries(fixture.redis, fixture.keys.stream("dead_letters"), 1);
    const before = await contents();
    const good: CommitItem = { id: entry.id, deadLetterId, effects: dispatch("u") };
    await expect(
      fixture.commit([good, { id: entry.id, effects: dispatch("w"), ...item }], options),
    ).rejects.toThrow(/not the id of an entry|without fields/);
    expect(await contents()).toStrictEqual(before);
  });

  it("for no items", async () => {
    const before = await contents();
    expect(await fixture.commit([], GROUP)).toStrictEqual([]);
    expect(await contents()).toStrictEqual(before);
  });
});
