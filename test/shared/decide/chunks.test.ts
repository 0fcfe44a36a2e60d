import * as fc from "fast-check";
import { distance } from "fastest-levenshtein";
import { describe, expect, it, vi } from "vitest";
import { processSignals } from "../../../functions/process-signals.ts";
import { chunksOf } from "../../../shared/decide/chunks.ts";
import type { Entry } from "../../../shared/entry.ts";
import {
  contextFrom,
  entryFrom,
  rowsWithStrategies,
  signalFields,
  signalRow,
  snapshotFrom,
  strategyRow,
} from "../../builders.ts";

vi.mock("fastest-levenshtein", { spy: true });

const OUTCOMES_MAX = 24_000;
const COMPARISONS_MAX = 12_000;

type Books = Readonly<Record<string, number>>;

/** Phrases with so many subscribers each, as far as portions look at them. */
function snapshotWith(books: Books): Parameters<typeof chunksOf>[1] {
  const { subscriptions } = snapshotFrom();
  const [some] = subscriptions.values();
  if (some === undefined) throw new Error("a reference without phrases");
  const strategy = [...subscriptions.values()].flatMap(({ strategies }) => strategies)[0];
  if (strategy === undefined) throw new Error("a reference without strategies");
  return {
    strategiesPerPhraseMax: Math.max(0, ...Object.values(books)),
    subscriptions: new Map(
      Object.entries(books).map(([phrase, count]) => [
        phrase,
        { ...some, strategies: Array.from({ length: count }, () => strategy) },
      ]),
    ),
  };
}

function entriesOf(messages: readonly (string | undefined)[]): Entry[] {
  return messages.map((message, i) => ({
    id: `${i}-0`,
    fields: message === undefined ? {} : { message },
  }));
}

const times = (count: number, message: string): Entry[] =>
  entriesOf(Array.from({ length: count }, () => message));

describe("entries come in portions", () => {
  it("of which there is one as long as all phrases are light", () => {
    const entries = times(256, "light");
    expect(chunksOf(entries, snapshotWith({ light: 93 }))).toStrictEqual([entries]);
    expect(chunksOf([], snapshotWith({ light: 5 }))).toStrictEqual([[]]);
  });

  it("with as many as stand for 24,000 outcomes, whatever way the phrase is written", () => {
    const portions = chunksOf(times(256, "  HEAVY "), snapshotWith({ heavy: 500 }));
    expect(portions.map(({ length }) => length)).toStrictEqual([48, 48, 48, 48, 48, 16]);
  });

  it("of one where a single signal stands for more", () => {
    const portions = chunksOf(times(3, "huge"), snapshotWith({ huge: 30_000 }));
    expect(portions.map(({ length }) => length)).toStrictEqual([1, 1, 1]);
  });

  it("with light, unknown and missing phrases beside heavy ones", () => {
    const entries = entriesOf(["heavy", "light", "unknown", "heavy", "light", undefined, "unknown", "heavy"]);
    const portions = chunksOf(entries, snapshotWith({ heavy: 23_991, light: 1 }));
    expect(portions.map((portion) => portion.map(({ id }) => id))).toStrictEqual([
      ["0-0", "1-0", "2-0"],
      ["3-0", "4-0", "5-0", "6-0"],
      ["7-0"],
    ]);
  });

  it("that are all of them, in their order, each within the limit or alone, and none larger than need be", () => {
    const books: Books = { a: 1, b: 900, c: 7_000, d: 25_000 };
    const messages = fc.array(fc.constantFrom("a", "b", "c", "d", "unknown", undefined), { maxLength: 60 });
    const outcomesIn = (portion: readonly Entry[]): number =>
      portion.reduce((sum, { fields }) => sum + (books[fields["message"] ?? ""] ?? 2 * 4), 0);
    fc.assert(
      fc.property(messages, (given) => {
        const entries = entriesOf(given);
        const portions = chunksOf(entries, snapshotWith(books));
        expect(portions.flat()).toStrictEqual(entries);
        for (const [i, portion] of portions.entries()) {
          if (portion.length > 1) expect(outcomesIn(portion)).toBeLessThanOrEqual(OUTCOMES_MAX);
          const next = portions[i + 1]?.slice(0, 1) ?? [];
          if (next.length > 0) expect(outcomesIn([...portion, ...next])).toBeGreaterThan(OUTCOMES_MAX);
        }
      }),
    );
  });
});

describe("unknown phrases", () => {
  const phrases = (count: number): Books =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`phrase ${i}`, 1]));

  it.each([
    [256, 46, 1],
    [256, 400, 9],
    [10_000, 40, 34],
    [10_000, 500, 417],
    [10_000, 5_000, 417],
  ])("of which %d arrive where %d are known are decided in %d portions", (count, known, portions) => {
    expect(chunksOf(times(count, "unknown"), snapshotWith(phrases(known)))).toHaveLength(portions);
  });

  it("split no batch they are not in", () => {
    const entries = times(10_000, "phrase 7");
    expect(chunksOf(entries, snapshotWith(phrases(5_000)))).toStrictEqual([entries]);
  });

  it.each([40, 400, 500, 600])(
    "take a portion no more comparisons than it is meant for, with %d known",
    (known) => {
      const signals = Array.from({ length: known }, (_, i) =>
        signalRow(i + 1, { long_phrase: `known phrase ${i + 1000}`, short_phrase: null }),
      );
      const context = contextFrom({ rows: rowsWithStrategies([strategyRow(10)], { signals }) });
      const entries = Array.from({ length: 1_000 }, (_, i) =>
        entryFrom(signalFields({ message: `${i + 10_000} something else` }), { sequence: i }),
      );
      const comparisons = chunksOf(entries, context.snapshot).map((portion) => {
        vi.mocked(distance).mockClear();
        processSignals(portion, context);
        return vi.mocked(distance).mock.calls.length;
      });
      expect(Math.max(...comparisons)).toBeLessThanOrEqual(COMPARISONS_MAX);
      expect(Math.max(...comparisons) > 0).toBe(known <= 500);
    },
  );
});
