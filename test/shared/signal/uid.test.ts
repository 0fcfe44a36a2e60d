import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSignal, uidOf, type Signal } from "../../../shared/signal/signal.ts";
import { respelt, respeltSymbol, writtenTime } from "../../arbitraries.ts";
import { entryFrom, NOW, signalFields } from "../../builders.ts";

const ENTRY_AT = NOW - 1000;
type Changes = Parameters<typeof signalFields>[0];

const parse = (changes: Changes) => parseSignal(entryFrom(signalFields(changes), { at: ENTRY_AT }), NOW);

function valid(changes: Changes): Signal {
  const parsed = parse(changes);
  if (parsed.status !== "valid") throw new Error(`rejected: ${JSON.stringify(parsed.faults)}`);
  return parsed.signal;
}

describe("the uid", () => {
  const SPELLABLE = /^[A-Za-z0-9_:!-]{1,12}$/;
  const identity = fc.record({
    symbol: fc.stringMatching(SPELLABLE),
    phrase: fc.oneof(fc.stringMatching(SPELLABLE), fc.constantFrom("Пробой вверх", "EMA CROSS")),
    bar: fc.oneof(
      fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 }),
      fc.integer({ min: 20_000_000, max: 30_000_000 }).map((minutes) => minutes * 60_000),
      fc.integer({ min: 15_000, max: 21_000 }).map((days) => days * 86_400_000),
    ),
  });
  type Identity = typeof identity extends fc.Arbitrary<infer T> ? T : never;

  const spelling = ({ symbol, phrase, bar }: Identity) =>
    fc
      .record({
        symbol: respeltSymbol(symbol),
        message: respelt(phrase),
        field: fc.constantFrom("bar_time", "time"),
        time: writtenTime(bar),
      })
      .map(({ field, time, ...names }) => valid({ ...names, bar_time: undefined, [field]: time }).uid);

  test("is the same for every spelling of the same signal", () => {
    const twoSpellings = identity.chain((one) => fc.tuple(spelling(one), spelling(one), fc.constant(one)));
    fc.assert(
      fc.property(twoSpellings, ([first, second]) => {
        expect(first).toMatch(/^[0-9a-f]{32}$/);
        expect(second).toBe(first);
      }),
      { numRuns: 1000 },
    );
  });

  test("differs for another symbol, phrase or bar time", () => {
    const change = fc.constantFrom<(one: Identity) => Identity>(
      (one) => ({ ...one, symbol: `${one.symbol}X` }),
      (one) => ({ ...one, phrase: `${one.phrase}X` }),
      (one) => ({ ...one, bar: one.bar + 1 }),
      (one) => ({ ...one, bar: one.bar + 60_000 }),
    );
    const twoSignals = fc
      .tuple(identity, change)
      .chain(([one, changed]) => fc.tuple(spelling(one), spelling(changed(one))));
    fc.assert(
      fc.property(twoSignals, ([first, second]) => {
        expect(second).not.toBe(first);
      }),
    );
  });

  test("differs for parts that are the same only when joined", () => {
    expect(uidOf("A\nB", "c", 1)).not.toBe(uidOf("A", "B\nc", 1));
    expect(uidOf("A", "b", 11)).not.toBe(uidOf("A", "b1", 1));
  });

  test("is the given one, if any, whatever the other fields", () => {
    expect([valid({ uid: " Abc " }).uid, valid({ uid: "Abc", symbol: "X" }).uid]).toEqual(["Abc", "Abc"]);
    expect(valid({ uid: "u".repeat(256) }).uid).toHaveLength(256);
  });

  test("does not depend on machine or run", () => {
    expect(uidOf("BTCUSDT", "ema_cross_long", 1_736_942_340_000)).toBe("b7d55f18b2f0d94c17bf1ddb9c157ba7");
  });
});
