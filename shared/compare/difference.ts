import type { OldSignal, OurSignal } from "./logged-signal.ts";
import type { SharedPhrases } from "./shared-phrases.ts";

/** What differs between the two decisions on one signal, and whether that is known and wanted. */

/**
 * `repeat`: the router before traded a repeated signal again · `union_of_phrases`: of a phrase on several signals it knew only the
 * first · `case`: it dropped phrases and symbols in lower case · `time`: it dispatched without a usable bar time · `exit`: it knew no
 * exits · `other`: all else.
 */
export const DIFFERENCE_CLASSES = ["other", "repeat", "union_of_phrases", "case", "time", "exit"] as const;
export type DifferenceClass = (typeof DIFFERENCE_CLASSES)[number];

/** What is different: one log lacks the signal, one has dispatched it, or both have, to different strategies. */
export type DifferenceKind =
  | "missing_there"
  | "missing_here"
  | "dispatched_here"
  | "dispatched_there"
  | "strategies";

export interface Difference {
  readonly class: DifferenceClass;
  readonly kind: DifferenceKind;
  /** Undefined when this router's log lacks it. */
  readonly ours: OurSignal | undefined;
  /** Undefined when the log of the router before lacks it. */
  readonly old: OldSignal | undefined;
}

/** The difference between two decisions on one signal; undefined when they agree. */
export function differenceOfPair(
  ours: OurSignal,
  old: OldSignal,
  phrases: SharedPhrases,
): Difference | undefined {
  const found = (kind: DifferenceKind, known: DifferenceClass): Difference => ({
    class: known,
    kind,
    ours,
    old,
  });
  if (ours.dispatched && old.dispatched) {
    if (old.strategies === null || isSameSet(ours.strategies, old.strategies)) return undefined;
    return found("strategies", isUnion(ours, old.strategies, phrases) ? "union_of_phrases" : "other");
  }
  if (ours.dispatched) return found("dispatched_here", classOfOursAlone(ours, phrases));
  if (old.dispatched) return found("dispatched_there", classOfOldAlone(ours, phrases));
  return undefined;
}

/** The difference when the log of the router before lacks the signal; undefined when that agrees with the decision. */
export function differenceOfOurs(ours: OurSignal, phrases: SharedPhrases): Difference | undefined {
  if (agreesWithoutRow(ours)) return undefined;
  return { class: classOfOursAlone(ours, phrases), kind: "missing_there", ours, old: undefined };
}

/** The difference when this router's log lacks the signal. */
export function differenceOfOld(old: OldSignal): Difference {
  return { class: "other", kind: "missing_here", ours: undefined, old };
}

/** The router before logged no row when it knew neither phrase nor ticker, or could not read a field; it knew no phrase of exits. */
const AGREES_WITHOUT_ROW: ReadonlySet<string> = new Set([
  "unknown_phrase",
  "unknown_ticker",
  "ticker_disabled",
  "trade_not_permitted",
  "missing_field",
  "invalid_field",
]);

function agreesWithoutRow(ours: OurSignal): boolean {
  return !ours.dispatched && (isExit(ours) || AGREES_WITHOUT_ROW.has(ours.reason ?? ""));
}

function isExit({ direction }: OurSignal): boolean {
  return direction === "flat";
}

/** Whether the router before should have a row of it: it logged nothing of what it could not read, or dropped. */
export function needsRow(ours: OurSignal): boolean {
  return !agreesWithoutRow(ours) && !isLowerCase(ours) && !isExit(ours);
}

function classOfOursAlone(ours: OurSignal, phrases: SharedPhrases): DifferenceClass {
  if (isExit(ours)) return "exit";
  if (isLowerCase(ours)) return "case";
  return phrases.areOfLaterSignals(ours.message, ours.strategies) ? "union_of_phrases" : "other";
}

function classOfOldAlone(ours: OurSignal, phrases: SharedPhrases): DifferenceClass {
  if (ours.status === "duplicate") return "repeat";
  if (isRejectedForTime(ours)) return "time";
  const isAmbiguous = ours.reason === "ambiguous_phrase" && phrases.isShared(ours.message);
  return isAmbiguous ? "union_of_phrases" : "other";
}

/** Whether the bar's time is what it was rejected for. */
export function isRejectedForTime({ status, field }: OurSignal): boolean {
  return status === "rejected" && (field === "bar_time" || field === "time");
}

function isUnion(ours: OurSignal, old: readonly number[], phrases: SharedPhrases): boolean {
  const extra = ours.strategies.filter((id) => !old.includes(id));
  const hasAllOfOld = old.every((id) => ours.strategies.includes(id));
  return hasAllOfOld && phrases.areOfLaterSignals(ours.message, extra);
}

function isLowerCase({ written: { message, symbol } }: OurSignal): boolean {
  return hasLowerCase(message) || hasLowerCase(symbol);
}

function hasLowerCase(text: string | null): boolean {
  return text !== null && text !== text.toUpperCase();
}

function isSameSet(some: readonly number[], others: readonly number[]): boolean {
  const set = new Set(others);
  return set.size === new Set(some).size && some.every((id) => set.has(id));
}
