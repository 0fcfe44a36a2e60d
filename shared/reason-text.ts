import type { ExecutionReason, SignalReason, StrategyReason } from "./reasons.ts";
import { ageText, cutText, excerpt } from "./text.ts";

/**
 * Why something was not done, in plain words with the code: a clause for people, made of what the record says.
 * `too old: 10 min, the limit is 5 min (stale)`, `the handler failed (error): no such account`
 */
export function reasonText(reason: string, detail: Detail = {}): string {
  const words = isKnown(reason) ? `${WORDS[reason](detail)} (${reason})` : reason;
  const error = errorIn(detail);
  return error === "" ? words : `${words}: ${error}`;
}

/** The error that a detail has; empty: none. */
export function errorIn({ error }: Detail): string {
  return shortText(error);
}

type Detail = Readonly<Record<string, unknown>>;
type Reason = SignalReason | StrategyReason | ExecutionReason;

/** A span of time as people read it; below two seconds in milliseconds. */
export function msText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return `${Math.round(ms)} ms`;
  if (size < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 0 ? "-" : ""}${ageText(size)}`;
}

const WORDS: Readonly<Record<Reason, (detail: Detail) => string>> = {
  missing_field: ({ field }) => `the field ${shortText(field) || "of a signal"} is missing`,
  invalid_field: ({ field }) => `the field ${shortText(field) || "of a signal"} cannot be read`,
  unknown_phrase: ({ closest_phrase }) => `no signal has this phrase${closestText(closest_phrase)}`,
  signal_disabled: () => "its signal is disabled",
  ambiguous_phrase: () =>
    "its signals disagree on what the phrase stands for: long, short, or the exit of which side",
  unknown_ticker: ({ symbol, closest_symbol, hint }) =>
    `${named(symbol)} is not among the tickers${hint === undefined ? closestText(closest_symbol) : `; ${hintText(hint)}`}`,
  ticker_disabled: ({ symbol }) => `${named(symbol)} is disabled`,
  trade_not_permitted: ({ symbol }) => `${named(symbol)} may not be traded`,
  no_strategies: () => "no strategy subscribes to the signal",
  no_eligible_strategy: ({ strategies }) => `no strategy took it${countsText(strategies)}`,
  duplicate_uid: () => "the same signal was dispatched before",
  strategy_disabled: () => "the strategy is disabled",
  strategy_archived: () => "the strategy is archived",
  exits_not_taken: () => "the strategy takes no exits",
  open_not_allowed: () => "the strategy may neither open nor reverse",
  ticker_not_allowed: ({ symbol, allowed }) =>
    `${named(symbol)} is not ${allowed === 0 ? "allowed: the strategy has no tickers" : allowed === 1 ? "its one ticker" : `among its ${shortText(allowed)} tickers`}`,
  stale: ({ age_ms, age_ms_max }) =>
    typeof age_ms === "number" && typeof age_ms_max === "number"
      ? `too old: ${msText(age_ms)}, the limit is ${msText(age_ms_max)}`
      : "too old",
  shadow: ({ shadow }) => (shadow === "router" ? "the router is a shadow" : "the strategy is a shadow"),
  not_chosen: () => "the replay was for other strategies",
  paused: ({ paused }) => (paused === undefined ? "the strategy is paused" : "everything is paused"),
  unknown_strategy: () => "the strategy has been removed",
  unusable_reference_row: () => "the strategy's row cannot be used",
  unknown_handler: () => "there is no such handler",
  invalid_extra: () => "what came along with the signal does not fit the handler",
  invalid_params: () => "its params do not fit the handler",
  missing_secret: () => "a secret is not set",
  invalid_url: () => "its URL cannot be used",
  forbidden_address: () => "its address is not public",
  invalid_outcome: () => "the handler returned no outcome",
  timeout: ({ timeout_ms }) =>
    `not finished${typeof timeout_ms === "number" ? ` after ${msText(timeout_ms)}` : " in time"}; it may have taken effect`,
  error: () => "the handler failed",
  unusable_stream: () => "its stream cannot be written",
  retryable_error: () => "failed, and tried again",
  attempts_exhausted: () => "all attempts failed",
  entry_lost: () => "another program removed the task before it had run",
};

function isKnown(reason: string): reason is Reason {
  return Object.hasOwn(WORDS, reason);
}

function named(symbol: unknown): string {
  return shortText(symbol) || "its ticker";
}

function closestText(closest: unknown): string {
  return closest === undefined ? "" : `; the closest is ${shortText(closest)}`;
}

/** The command at the end of a hint must not be cut. */
function hintText(hint: unknown): string {
  return typeof hint === "string" ? cutText(hint, 400) : "";
}

function shortText(value: unknown): string {
  if (typeof value === "string") return excerpt(value);
  return typeof value === "number" ? String(value) : "";
}

function countsText(counts: unknown): string {
  if (typeof counts !== "object" || counts === null) return "";
  const parts = Object.entries(counts).map(([reason, count]) => `${reason} ${String(count)}`);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}
