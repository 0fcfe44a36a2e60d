import type { SignalReason, StrategyReason } from "../reasons.ts";
import type { RoutingOutcome } from "../records.ts";
import type { SubscribedStrategy } from "../reference/snapshot.ts";
import type { Detail, Signal } from "../signal/signal.ts";
import { ageOf, staleDetail } from "./age.ts";
import type { DecisionContext, Verdict } from "./decision.ts";

const NO_DETAIL: Detail = {};

/** The verdict on a signal that is blocked as a whole: every strategy ignores it for the same reason. */
export function blockedVerdict(strategies: readonly SubscribedStrategy[], reason: SignalReason): Verdict {
  const outcomes = strategies.map((strategy) => ignored(strategy, reason));
  return { status: "ignored", reason, detail: NO_DETAIL, outcomes };
}

/** The verdict on a signal that nothing blocks: each strategy has its own outcome. */
export function routedVerdict(
  strategies: readonly SubscribedStrategy[],
  signal: Signal,
  context: DecisionContext,
): Verdict {
  const outcomes = strategies.map((strategy) => outcomeFor(strategy, signal, context));
  if (!outcomes.some(({ status }) => status === "dispatched")) {
    const detail = { strategies: countByReason(outcomes) };
    return { status: "ignored", reason: "no_eligible_strategy", detail, outcomes };
  }
  if (context.shadow === true) return { ...SHADOWED, outcomes: outcomes.map(shadowed) };
  return { status: "dispatched", reason: null, detail: NO_DETAIL, outcomes };
}

const SHADOWED = { status: "ignored", reason: "shadow", detail: NO_DETAIL } as const;
/** Tells it from the outcome of a strategy that is a shadow by its own row. */
const BY_ROUTER: Detail = { shadow: "router" };

function shadowed(outcome: RoutingOutcome): RoutingOutcome {
  return outcome.status === "dispatched"
    ? { ...outcome, status: "shadow", reason: "shadow", detail: BY_ROUTER }
    : outcome;
}

/** Whether the strategy's outcome is the same for every signal that nothing blocks. */
export function takesAnySignal({ symbols, signal_age_ms_max }: SubscribedStrategy): boolean {
  return symbols === null && (signal_age_ms_max ?? 0) === 0;
}

function outcomeFor(strategy: SubscribedStrategy, signal: Signal, context: DecisionContext): RoutingOutcome {
  const { id, name, symbols, shadow } = strategy;
  if (context.chosen?.has(id) === false) return ignored(strategy, "not_chosen");
  if (!strategy.enabled) return ignored(strategy, "strategy_disabled");
  if (strategy.archived) return ignored(strategy, "strategy_archived");
  if (!strategy.allow_open && !strategy.reverse) return ignored(strategy, "open_not_allowed");
  if (symbols !== null && !symbols.has(signal.symbol)) {
    return ignored(strategy, "ticker_not_allowed", { symbol: signal.symbol, allowed: symbols.size });
  }
  const stale = staleDetail(ageOf(signal, context), strategy.signal_age_ms_max ?? 0);
  if (stale !== undefined) return ignored(strategy, "stale", stale);
  if (context.control.pausedStrategies.has(id)) return ignored(strategy, "paused");
  const status = shadow ? "shadow" : "dispatched";
  return { strategy_id: id, strategy: name, status, reason: shadow ? "shadow" : null, detail: NO_DETAIL };
}

function ignored(
  { id, name }: SubscribedStrategy,
  reason: StrategyReason,
  detail: Detail = NO_DETAIL,
): RoutingOutcome {
  return { strategy_id: id, strategy: name, status: "ignored", reason, detail };
}

function countByReason(outcomes: readonly RoutingOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of outcomes) {
    if (reason !== null) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
