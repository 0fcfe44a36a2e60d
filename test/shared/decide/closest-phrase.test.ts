import * as fc from "fast-check";
import { distance } from "fastest-levenshtein";
import { describe, expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import type { Decision } from "../../../shared/decide/decision.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import {
  contextFrom,
  entryFrom,
  referenceRows,
  rowsWithStrategies,
  signalFields,
  signalRow,
  strategyRow,
} from "../../builders.ts";

/** The decision on a signal with this message. */
function decidedOn(message: string, rows = referenceRows()): Decision {
  const context = contextFrom({ rows });
  const parsed = parseSignal(entryFrom(signalFields({ message })), context.now);
  if (parsed.status === "rejected") throw new Error("a valid signal was expected");
  return decide(parsed.signal, context);
}

describe("an unknown phrase", () => {
  test.each([
    ["SIGNAL_1_LNG", { closest_phrase: "SIGNAL_1_LONG" }],
    ["signal 1 long", { closest_phrase: "SIGNAL_1_LONG" }],
    ["signal_1_shor", { closest_phrase: "SIGNAL_1_SHORT" }],
    ["HELLO THERE", {}],
    ["x", {}],
    ["SIGNAL_1_LONG".repeat(8), {}],
  ])("%j has the closest known one in its detail, if any is close", (message, detail) => {
    expect(decidedOn(message)).toEqual({
      status: "ignored",
      reason: "unknown_phrase",
      detail,
      signalId: null,
      direction: null,
      side: null,
      outcomes: [],
    });
  });

  const withPhrases = (phrases: readonly string[]) =>
    rowsWithStrategies([strategyRow(10)], {
      signals: phrases.map((phrase, i) => signalRow(i + 1, { long_phrase: phrase, short_phrase: null })),
    });
  const numbered = (count: number, text: string) =>
    Array.from({ length: count }, (_, i) => `${text}${i + 1000}`);

  test.each([
    ["the last of 500 of its length", numbered(500, "PHRASE "), "PHRASE_1499", "PHRASE 1499"],
    ["no phrase when there are more", numbered(501, "PHRASE "), "PHRASE_1499", undefined],
    [
      "a phrase among any number of others of very different length",
      ["EMA LONG", ...numbered(5000, "A".repeat(20))],
      "EMA LNG",
      "EMA LONG",
    ],
    [
      "a phrase nearer in length than too many others",
      ["EMA LONG", ...numbered(5000, "EMA LO")],
      "EMA_LONG",
      "EMA LONG",
    ],
  ])("has in its detail %s", (_which, phrases, message, closest) => {
    const { detail } = decidedOn(message, withPhrases(phrases));
    expect(detail).toEqual(closest === undefined ? {} : { closest_phrase: closest });
  });

  test("has in its detail the closest phrase, if one is within half its length", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "_"), minLength: 1, maxLength: 12 });
    const phrases = fc.uniqueArray(text, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(phrases, text, (known, message) => {
        fc.pre(!known.includes(message));
        const changes = (phrase: string) => distance(phrase, message);
        const close = known.filter((each) => changes(each) <= Math.max(each.length, message.length) / 2);
        const { detail } = decidedOn(message, withPhrases(known));
        const given = close.find((each) => each === detail["closest_phrase"]);
        expect(given === undefined ? Infinity : changes(given)).toBe(Math.min(...close.map(changes)));
      }),
    );
  });

  test("is unknown in an empty reference too", () => {
    const rows = referenceRows({ signals: [], strategies: [], strategy_signals: [] });
    expect(decidedOn("SIGNAL_1_LONG", rows)).toMatchObject({ reason: "unknown_phrase", detail: {} });
  });

  test.each(["__proto__", "constructor", "toString"])("is %s, which no reference has", (message) => {
    expect(decidedOn(message).reason).toBe("unknown_phrase");
  });
});
