import * as fc from "fast-check";
import { unpack } from "msgpackr";
import { describe, expect, it } from "vitest";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import { NO_EFFECTS, type Append, type Effects } from "../../../../shared/function.ts";
import { CALL_LIMITS, commitCalls, type CommitCall } from "../../../../shared/io/commit/calls.ts";
import { keysOf } from "../../../../shared/keys.ts";

const SETTINGS = { dedupTtlMs: 1000 };
const GROUP: CommitOptions = {
  fence: { kind: "group", stream: "signals_stream", group: "signal_processor" },
};

function item(n: number, effects: Effects = NO_EFFECTS): CommitItem {
  return { id: `${n}-0`, effects };
}

function appends(count: number): Append {
  const each = Array.from({ length: count }, (_, n) => ({ n: String(n) }));
  return { stream: "strategy_input_stream", each, fields: {} };
}

function sized(bytes: number): Append {
  return { stream: "signal_results", fields: { d: "x".repeat(bytes) } };
}

const KEYS = keysOf("{p}:");

function calls(
  given: readonly CommitItem[],
  options: CommitOptions = GROUP,
  branches: "won" | "both" = "both",
): CommitCall[] {
  return commitCalls(given, KEYS, SETTINGS, { ...options, branches });
}

/** All that a call says of its items, as one text. */
const sentIn = (call: CommitCall | undefined): string =>
  call === undefined ? "" : [call.message, ...call.separateArgs].map(String).join();

const lengths = (given: readonly CommitItem[], branches?: "won" | "both"): number[] =>
  calls(given, GROUP, branches).map((call) => call.items.length);
const items = (count: number, effects?: Effects): CommitItem[] =>
  Array.from({ length: count }, (_, n) => item(n, effects));

describe("a commit is cut", () => {
  it("into no call for no items", () => {
    expect(calls([])).toStrictEqual([]);
  });

  it.each([
    { count: 1, calls: [1] },
    { count: 86, calls: [86] },
    { count: 87, calls: [86, 1] },
    { count: 256, calls: [86, 86, 84] },
  ])("after 86 entries: $count", ({ count, calls: expected }) => {
    expect(lengths(items(count))).toStrictEqual(expected);
  });

  it("before more than 670 appends", () => {
    const effects: Effects = { append: [appends(133), sized(10)], count: [] };
    expect(lengths(items(11, effects))).toStrictEqual([5, 5, 1]);
    expect(
      lengths([...items(5, effects), item(5), item(6, { append: [sized(1)], count: [] })]),
    ).toStrictEqual([6, 1]);
  });

  it("before more than 1 MB, the elements' fields included", () => {
    expect(lengths(items(5, { append: [sized(500_000)], count: [] }))).toStrictEqual([2, 2, 1]);
    expect(lengths(items(5, { append: [sized(500_001)], count: [] }))).toStrictEqual([1, 1, 1, 1, 1]);
    const large: Append = {
      stream: "signal_results",
      each: [{ d: "x".repeat(500_000) }, { d: "xx" }],
      fields: {},
    };
    expect(lengths(items(3, { append: [large], count: [] }))).toStrictEqual([1, 1, 1]);
  });

  it("with the branch for a lost claim counted if it is sent", () => {
    const lost = { append: [appends(600)], count: [] };
    const large: Effects = { append: [appends(2)], count: [], claim: { uid: "u", ifLost: lost } };
    expect(lengths(items(3, large))).toStrictEqual([1, 1, 1]);
    expect(lengths(items(3, large), "won")).toStrictEqual([3]);
    const half = { append: [sized(300_000)], count: [] };
    const both: Effects = { ...half, claim: { uid: "u", ifLost: half } };
    expect(lengths(items(3, both))).toStrictEqual([1, 1, 1]);
    expect(lengths(items(3, both), "won")).toStrictEqual([3]);
  });

  it("so that an item that did not fit in is whole in the next one", () => {
    const effects: Effects = {
      append: [appends(600)],
      count: ["c"],
      claim: { uid: "u", ifLost: { append: [sized(1)], count: [] } },
    };
    const [first, second] = calls([item(1, effects), item(2, effects)], GROUP, "won");
    const [alone] = calls([item(2, effects)], GROUP, "won");
    expect(first?.keyNames.filter((name) => name.includes("dedup"))).toHaveLength(1);
    expect(second).toStrictEqual(alone);
  });

  it("so that nothing of an item that did not fit in is sent with it", () => {
    const large: Effects = {
      append: [
        { stream: "strategy_input_stream", each: [{ d: "x".repeat(999_999) }], fields: { extra: "1" } },
      ],
      count: ["large"],
    };
    const small: Effects = { append: [sized(10)], count: ["small"] };
    const [first, second] = calls([item(1, small), item(2, large)]);
    expect(first?.keyNames).not.toContain(KEYS.stream("strategy_input_stream"));
    const sent = sentIn(first);
    expect(sent).toContain("small");
    expect(sent).not.toMatch(/large|extra|xxxxxxxxxxx/);
    expect(sent).toBe(sentIn(calls([item(1, small)])[0]));
    expect(sentIn(second)).toMatch(/large[^]*extra/);
  });

  it("around a single entry beyond every limit, which has a call of its own", () => {
    const huge: Effects = { append: [appends(5_000), sized(2_000_000)], count: [] };
    expect(lengths([item(1), item(2), item(3, huge), item(4), item(5)])).toStrictEqual([2, 1, 2]);
    expect(lengths(items(2, huge))).toStrictEqual([1, 1]);
  });

  it("so that every item is in one call, in order, and each call within its limits or alone", () => {
    const append = fc.oneof(fc.integer({ min: 1, max: 700 }).map(appends), fc.constant(sized(200_000)));
    const effects = fc.record({ append: fc.array(append, { maxLength: 3 }), count: fc.constant([]) });
    fc.assert(
      fc.property(fc.array(effects, { maxLength: 300 }), (all) => {
        const given = all.map((one, n) => item(n, one));
        const cut = calls(given).map((call) => call.items);
        expect(cut.flat()).toStrictEqual(given);
        for (const call of cut) {
          expect(call.length).toBeGreaterThan(0);
          if (call.length === 1) continue;
          const appended = call.flatMap((one) => one.effects.append);
          const count = appended.reduce((total, one) => total + (one.each?.length ?? 1), 0);
          expect(call.length).toBeLessThanOrEqual(CALL_LIMITS.entries);
          expect(count).toBeLessThanOrEqual(CALL_LIMITS.appends);
          expect(JSON.stringify(appended.map(({ fields }) => fields)).length).toBeLessThan(
            CALL_LIMITS.bytes + 10_000,
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a call", () => {
  const only = (given: readonly CommitItem[], options?: CommitOptions, branches?: "won" | "both") => {
    const [first, ...more] = calls(given, options, branches);
    expect(more).toStrictEqual([]);
    return first;
  };
  const claimed = (uid: string): Effects => ({
    append: [appends(1)],
    count: [],
    claim: { uid, ifLost: { append: [sized(3)], count: [] } },
  });

  it("declares the keys of its fences, claims and both branches' streams, each stream once", () => {
    const call = only([item(1, claimed("a")), item(2, claimed("b"))], {
      fence: { kind: "once", invocation: "run" },
    });
    expect(call?.keyNames).toStrictEqual(
      (
        "metrics reference:current control dead_letters strategy_input_stream signal_results " +
        "done:run:1-0 dedup:a done:run:2-0 dedup:b"
      )
        .split(" ")
        .map((name) => `{p}:${name}`),
    );
  });

  it("declares both keys of a claim of two uids, and says so by the sign of the first one's place", () => {
    const effects: Effects = { append: [], count: [], claim: { uid: "a", also: "b", ifLost: NO_EFFECTS } };
    const once: Effects = { append: [], count: [], claim: { uid: "c", also: "c", ifLost: NO_EFFECTS } };
    const call = only([item(1, effects), item(2, once)], GROUP, "won");
    expect(call?.keyNames.slice(4)).toStrictEqual(["a", "b", "c"].map((uid) => KEYS.dedup(uid)));
    const [, , , , values] = unpack(call?.message ?? Buffer.of()) as unknown[][];
    expect([values?.[2], values?.[10]]).toStrictEqual([-1, 3]);
  });

  it("declares the stream its group reads", () => {
    expect(only([item(1)])?.keyNames).toStrictEqual([
      "{p}:metrics",
      "{p}:reference:current",
      "{p}:control",
      "{p}:signals_stream",
    ]);
  });

  it("has no more fields per entry than Lua can unpack", () => {
    const withFields = (elementFields: number, fields: number): Effects => {
      const record = (name: string, count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}${n}`, "x"]));
      const append: Append = {
        stream: "signal_results",
        each: [record("e", elementFields)],
        fields: record("f", fields),
      };
      return { append: [append], count: [] };
    };
    expect(() => calls([item(1, withFields(100, 400))])).not.toThrow();
    expect(() => calls([item(1, withFields(101, 400))])).toThrow(
      "an append of 501 fields is more than the commit takes (500)",
    );
  });

  it.each<{ what: string; each: Append["each"]; fields: Append["fields"] }>([
    { what: "no fields", each: undefined, fields: {} },
    { what: "elements and no fields", each: [{}], fields: {} },
    { what: "an element that lacks a field", each: [{ a: "1", b: "2" }, { a: "1" }], fields: { c: "3" } },
    { what: "an element with one more", each: [{ a: "1" }, { a: "1", b: "2" }], fields: { c: "3" } },
    { what: "an element with another one", each: [{ a: "1" }, { b: "2" }], fields: { c: "3" } },
  ])("is refused with an append of $what", ({ each, fields }) => {
    const append: Append = { stream: "signal_results", fields, ...(each === undefined ? {} : { each }) };
    expect(() => calls([item(1, { append: [append], count: [] })])).toThrow(/fields/);
  });

  it("is refused with an append without fields, also behind one that appends nothing", () => {
    const nothing: Append = { stream: "signal_results", each: [], fields: {} };
    const empty: Append = { stream: "signal_results", fields: {} };
    expect(() => calls([item(1, { append: [nothing], count: [] })])).not.toThrow();
    const both = [item(1, { append: [nothing], count: [] }), item(2, { append: [empty], count: [] })];
    expect(() => calls(both)).toThrow("an entry without fields cannot be appended");
  });
});
