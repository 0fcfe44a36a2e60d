import { hash } from "node:crypto";
import { foldPhrase, spellingOf, type Signal } from "../signal/signal.ts";
import { parseTime } from "../signal/time.ts";

/**
 * The uid of a signal whose sender says what tells its signals apart: 32 hex digits of a hash over the source, the symbol as it was sent,
 * the phrase, those texts and, unless they have a time, the bar time. Never a text of the sender itself, which another source, or another
 * symbol, could send as well.
 */
export function sourceUid({ source, signal, texts, hasTime }: SourceUidParts): string {
  const barTime = hasTime ? [] : [signal.barTime];
  // The spelling as it was sent, which stays the same when the aliases of tickers change.
  const parts = [source, spellingOf(signal.raw["symbol"] ?? ""), signal.phrase, ...barTime, ...texts];
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 32);
}

export interface SourceUidParts {
  /** Name of the source. */
  readonly source: string;
  readonly signal: Signal;
  /** The values of its uid template, apart: `1` and `23` are not `12` and `3`. */
  readonly texts: readonly string[];
  /** Whether the bar time would add nothing, or is not from the sender. */
  readonly hasTime: boolean;
}

/** Whether a text of a uid is a time of day; a date has many signals, and a number alone may be the id of an order. */
export function isTimeText(text: string): boolean {
  return text.includes(":") && parseTime(text) !== undefined;
}

/** Why a text tells no signals apart; undefined when it does. */
export function uidTextFault(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === "") return "has no value";
  if (/\{\{[^{}]*\}\}/.test(text)) return "was not filled in by the sender";
  return NO_VALUE.has(foldPhrase(text)) ? "is the name of a missing value" : undefined;
}

const NO_VALUE: ReadonlySet<string> = new Set(["nan", "null", "undefined", "none", "n/a"]);
