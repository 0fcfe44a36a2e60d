import type { SignalReason, StrategyReason } from "../reasons.ts";
import type { RoutingOutcome } from "../records.ts";
import type { Snapshot, SubscribedStrategy, Subscription } from "../reference/snapshot.ts";
import type { Detail, FieldFault, Signal } from "../signal/signal.ts";
import { excerpt } from "../text.ts";
import { SPELLING_LENGTH_MAX, closestPhrase } from "./closest-phrase.ts";
import type { Control } from "./control.ts";
import type { DecisionCache } from "./decision-cache.ts";
import type { Verdict, Decision } from "./decision.ts";

/** Everything a decision depends on besides the signal. */
export interface DecisionContext {
  readonly snapshot: Snapshot;
  readonly control: Control;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** Signals older than this are not traded; 0: no limit. */
  readonly signalAgeMsMax: number;
  /** Nothing is too old, for any strategy. */
  readonly anyAge?: boolean;
  /** Filled on the way; for as long as snapshot and control are these. */
  readonly cache?: DecisionCache;
}

/** Why a whole signal is not dispatched. */
interface Block {
  readonly reason: SignalReason;
  readonly detail: Detail;
}

const NO_DETAIL: Detail = {};

/** The decision on a valid signal. A function of its arguments alone. */
export function decide(signal: Signal, context: DecisionContext): Decision {
  const { snapshot } = context;
  const subscription = snapshot.subscriptions.get(signal.phrase);
  if (subscription === undefined) {
    const detail = unknownPhraseDetail(signal.phrase, context);
    return {
      status: "ignored",
      reason: "unknown_phrase",
      detail,
      signalId: null,
      direction: null,
      outcomes: [],
    };
  }
  const stop = blockedBy(signal, subscription, context);
  const ending =
    stop === undefined ? routed(subscription, signal, context) : blocked(subscription, stop, context);
  const { status, reason, outcomes } = ending;
  return {
    status,
    reason,
    detail: stop?.detail ?? ending.detail,
    signalId: subscription.signal_id,
    direction: subscription.direction,
    outcomes,
  };
}

function routed({ strategies }: Subscription, signal: Signal, context: DecisionContext): Verdict {
  const known = context.cache?.verdict(strategies, "routed");
  if (known !== undefined) return known;
  const outcomes = strategies.map((strategy) => outcomeFor(strategy, signal, context));
  const dispatched = outcomes.some((outcome) => outcome.status === "dispatched");
  const ending: Verdict = {
    status: dispatched ? "dispatched" : "ignored",
    reason: dispatched ? null : "no_eligible_strategy",
    detail: dispatched ? NO_DETAIL : { strategies: countByReason(outcomes) },
    outcomes,
  };
  if (strategies.every(takesAnySignal)) context.cache?.keep(strategies, "routed", ending);
  return ending;
}

/** The decision on an entry that is no valid signal. */
export function reject(faults: readonly FieldFault[]): Decision {
  const first = faults.find((fault) => fault.reason === "missing_field") ?? faults[0];
  return {
    status: "rejected",
    reason: first?.reason ?? "invalid_field",
    detail: { field: first?.field, faults },
    signalId: null,
    direction: null,
    outcomes: [],
  };
}

/** The age of a signal in milliseconds, never negative. */
export function ageOf(signal: Pick<Signal, "ageFrom">, now: number): number {
  return Math.max(0, now - signal.ageFrom);
}

/** The first thing that stops the signal as a whole: phrase, ticker, subscribers, age, pause. */
function blockedBy(signal: Signal, subscription: Subscription, context: DecisionContext): Block | undefined {
  if (subscription.state === "disabled") {
    return {
      reason: "signal_disabled",
      detail: { phrase: subscription.phrase, signal_ids: subscription.signal_ids },
    };
  }
  if (subscription.state === "ambiguous") {
    return {
      reason: "ambiguous_phrase",
      detail: { phrase: subscription.phrase, signal_ids: subscription.signal_ids },
    };
  }
  const ticker = context.snapshot.tickers.get(signal.symbol);
  if (ticker === undefined) return { reason: "unknown_ticker", detail: { symbol: excerpt(signal.symbol) } };
  if (ticker.status !== "enabled") return { reason: "ticker_disabled", detail: { symbol: signal.symbol } };
  if (ticker.trade_permission !== "enabled") {
    return { reason: "trade_not_permitted", detail: { symbol: signal.symbol } };
  }
  if (subscription.strategies.length === 0)
    return { reason: "no_strategies", detail: { phrase: subscription.phrase } };
  const age = ageOf(signal, context.now);
  if (isTooOld(age, context.signalAgeMsMax, context)) {
    return { reason: "stale", detail: staleDetail(age, context.signalAgeMsMax) };
  }
  if (context.control.allPaused) return { reason: "paused", detail: { paused: "all strategies" } };
  return undefined;
}

/** All that are stopped for the same reason end alike, but for the detail. */
function blocked({ strategies }: Subscription, { reason }: Block, { cache }: DecisionContext): Verdict {
  const known = cache?.verdict(strategies, reason);
  if (known !== undefined) return known;
  const outcomes = strategies.map((strategy) => ignored(strategy, reason, NO_DETAIL));
  const ending: Verdict = { status: "ignored", reason, detail: NO_DETAIL, outcomes };
  cache?.keep(strategies, reason, ending);
  return ending;
}

/** Whether the outcome is the same for every signal. */
function takesAnySignal({ symbols, signal_age_ms_max }: SubscribedStrategy): boolean {
  return symbols === null && (signal_age_ms_max ?? 0) === 0;
}

function outcomeFor(strategy: SubscribedStrategy, signal: Signal, context: DecisionContext): RoutingOutcome {
  if (!strategy.enabled) return ignored(strategy, "strategy_disabled", NO_DETAIL);
  if (strategy.archived) return ignored(strategy, "strategy_archived", NO_DETAIL);
  if (!strategy.allow_open && !strategy.reverse) return ignored(strategy, "open_not_allowed", NO_DETAIL);
  if (strategy.symbols !== null && !strategy.symbols.has(signal.symbol)) {
    return ignored(strategy, "ticker_not_allowed", { symbol: signal.symbol, allowed: strategy.symbols.size });
  }
  const age = ageOf(signal, context.now);
  const ageMax = strategy.signal_age_ms_max ?? 0;
  if (isTooOld(age, ageMax, context)) return ignored(strategy, "stale", staleDetail(age, ageMax));
  if (context.control.pausedStrategies.has(strategy.id)) return ignored(strategy, "paused", NO_DETAIL);
  const status = strategy.shadow ? "shadow" : "dispatched";
  const reason = strategy.shadow ? "shadow" : null;
  return { strategy_id: strategy.id, strategy: strategy.name, status, reason, detail: NO_DETAIL };
}

function ignored(strategy: SubscribedStrategy, reason: StrategyReason, detail: Detail): RoutingOutcome {
  return { strategy_id: strategy.id, strategy: strategy.name, status: "ignored", reason, detail };
}

function isTooOld(ageMs: number, ageMsMax: number, { anyAge = false }: DecisionContext): boolean {
  return !anyAge && ageMsMax > 0 && ageMs > ageMsMax;
}

function staleDetail(ageMs: number, ageMsMax: number): Detail {
  return { age_ms: ageMs, age_ms_max: ageMsMax };
}

function countByReason(outcomes: readonly RoutingOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of outcomes) {
    if (reason !== null) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function unknownPhraseDetail(phrase: string, { snapshot, cache }: DecisionContext): Detail {
  if (phrase.length > SPELLING_LENGTH_MAX) return NO_DETAIL;
  const known = cache?.unknownPhrase(phrase);
  if (known !== undefined) return known;
  const closest = closestPhrase(phrase, snapshot);
  const detail =
    closest === undefined ? NO_DETAIL : { closest_phrase: snapshot.subscriptions.get(closest)?.phrase };
  cache?.keepUnknownPhrase(phrase, detail);
  return detail;
}
