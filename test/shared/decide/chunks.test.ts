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

type SubscriberCounts = Readonly<Record<string, number>>;

/** Phrases with so many subscribers each, as far as chunks depend on them. */
function snapshotWith(counts: SubscriberCounts): Parameters<typeof chunksOf>[1] {
  const { subscriptions } = snapshotFrom();
  const [some] = subscriptions.values();
  if (some === undefined) throw new Error("a reference without phrases");
  const strategy = [...subscriptions.values()].flatMap(({ strategies }) => strategies)[0];
  if (strategy === undefined) throw new Error("a reference without strategies");
  return {
    strategiesPerPhraseMax: Math.max(0, ...Object.values(counts)),
    subscriptions: new Map(
      Object.entries(counts).map(([phrase, count]) => [
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

describe("entries come in chunks", () => {
  it("of which there is one when all phrases have few subscribers", () => {
    const entries = times(256, "light");
    expect(chunksOf(entries, snapshotWith({ light: 93 }))).toStrictEqual([entries]);
    expect(chunksOf([], snapshotWith({ light: 5 }))).toStrictEqual([[]]);
  });

  it("with at most 24,000 outcomes, however the phrase is spelt", () => {
    const chunks = chunksOf(times(256, "  HEAVY "), snapshotWith({ heavy: 500 }));
    expect(chunks.map(({ length }) => length)).toStrictEqual([48, 48, 48, 48, 48, 16]);
  });

  it("of one entry when a single signal has more outcomes", () => {
    const chunks = chunksOf(times(3, "huge"), snapshotWith({ huge: 30_000 }));
    expect(chunks.map(({ length }) => length)).toStrictEqual([1, 1, 1]);
  });

  it("with unknown and missing phrases, and phrases of few subscribers, beside those of many", () => {
    const entries = entriesOf(["heavy", "light", "unknown", "heavy", "light", undefined, "unknown", "heavy"]);
    const chunks = chunksOf(entries, snapshotWith({ heavy: 23_991, light: 1 }));
    expect(chunks.map((chunk) => chunk.map(({ id }) => id))).toStrictEqual([
      ["0-0", "1-0", "2-0"],
      ["3-0", "4-0", "5-0", "6-0"],
      ["7-0"],
    ]);
  });

  it("that have all entries, in their order, are within the limit or one entry, and are as few as possible", () => {
    const counts: SubscriberCounts = { a: 1, b: 900, c: 7_000, d: 25_000 };
    const messages = fc.array(fc.constantFrom("a", "b", "c", "d", "unknown", undefined), { maxLength: 60 });
    const outcomesIn = (chunk: readonly Entry[]): number =>
      chunk.reduce((sum, { fields }) => sum + (counts[fields["message"] ?? ""] ?? 2 * 4), 0);
    fc.assert(
      fc.property(messages, (given) => {
        const entries = entriesOf(given);
        const chunks = chunksOf(entries, snapshotWith(counts));
        expect(chunks.flat()).toStrictEqual(entries);
        for (const [i, chunk] of chunks.entries()) {
          if (chunk.length > 1) expect(outcomesIn(chunk)).toBeLessThanOrEqual(OUTCOMES_MAX);
          const next = chunks[i + 1]?.slice(0, 1) ?? [];
          if (next.length > 0) expect(outcomesIn([...chunk, ...next])).toBeGreaterThan(OUTCOMES_MAX);
        }
      }),
    );
  });
});

describe("unknown phrases", () => {
  const phrases = (count: number): SubscriberCounts =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`phrase ${i}`, 1]));

  it.each([
    [256, 46, 1],
    [256, 400, 9],
    [10_000, 40, 34],
    [10_000, 500, 417],
    [10_000, 5_000, 417],
  ])("of which %d arrive where %d are known are decided in %d chunks", (count, known, chunks) => {
    expect(chunksOf(times(count, "unknown"), snapshotWith(phrases(known)))).toHaveLength(chunks);
  });

  it("do not split a batch without them", () => {
    const entries = times(10_000, "phrase 7");
    expect(chunksOf(entries, snapshotWith(phrases(5_000)))).toStrictEqual([entries]);
  });

  it.each([40, 400, 500, 600])(
    "need no more comparisons in a chunk than its limit, with %d known",
    (known) => {
      const signals = Array.from({ length: known }, (_, i) =>
        signalRow(i + 1, { long_phrase: `known phrase ${i + 1000}`, short_phrase: null }),
      );
      const context = contextFrom({ rows: rowsWithStrategies([strategyRow(10)], { signals }) });
      const entries = Array.from({ length: 1_000 }, (_, i) =>
        entryFrom(signalFields({ message: `${i + 10_000} something else` }), { sequence: i }),
      );
      const comparisons = chunksOf(entries, context.snapshot).map((chunk) => {
        vi.mocked(distance).mockClear();
        processSignals(chunk, context);
        return vi.mocked(distance).mock.calls.length;
      });
      expect(Math.max(...comparisons)).toBeLessThanOrEqual(COMPARISONS_MAX);
      expect(Math.max(...comparisons) > 0).toBe(known <= 500);
    },
  );
});
