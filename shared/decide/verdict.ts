import type { SignalReason, StrategyReason } from "../reasons.ts";
import type { RoutingOutcome } from "../records.ts";
import type { Direction } from "../reference/reference.ts";
import type { SubscribedStrategy } from "../reference/snapshot.ts";
import type { Detail, Signal } from "../signal/signal.ts";
import { ageOf, staleFor } from "./age.ts";
import type { DecisionContext, Verdict } from "./decision.ts";
import { rulesOf } from "./rules.ts";

const NO_DETAIL: Detail = {};

/** The verdict on a signal that is blocked as a whole: every strategy ignores it for the same reason. */
export function blockedVerdict(strategies: readonly SubscribedStrategy[], reason: SignalReason): Verdict {
  const outcomes = strategies.map((strategy) => ignored(strategy, reason));
  return { status: "ignored", reason, detail: NO_DETAIL, outcomes };
}

/** The verdict on a signal that nothing blocks: each strategy has its own outcome. */
export function routedVerdict(
  { strategies, direction }: Routed,
  signal: Signal,
  context: DecisionContext,
): Verdict {
  const deciding = { signal, direction, context, signalAgeMsMax: context.signalAgeMsMax };
  const outcomes = strategies.map((strategy) => outcomeFor(strategy, deciding));
  if (!outcomes.some(({ status }) => status === "dispatched")) {
    const detail = { strategies: countByReason(outcomes) };
    return { status: "ignored", reason: "no_eligible_strategy", detail, outcomes };
  }
  if (context.shadow === true) return { ...SHADOWED, outcomes: outcomes.map(shadowed) };
  return { status: "dispatched", reason: null, detail: NO_DETAIL, outcomes };
}

/** What of a subscription decides which strategies act. */
export interface Routed {
  readonly strategies: readonly SubscribedStrategy[];
  readonly direction: Direction | null;
}

const SHADOWED = { status: "ignored", reason: "shadow", detail: NO_DETAIL } as const;
/** Tells it from the outcome of a strategy that is a shadow by its own row. */
const BY_ROUTER: Detail = { shadow: "router" };

function shadowed(outcome: RoutingOutcome): RoutingOutcome {
  return outcome.status === "dispatched"
    ? { ...outcome, status: "shadow", reason: "shadow", detail: BY_ROUTER }
    : outcome;
}

/** Whether the strategy's outcome is the same for every opening that nothing blocks. */
export function takesAnyOpening({ symbols, signal_age_ms_max }: SubscribedStrategy): boolean {
  return symbols === null && (signal_age_ms_max ?? 0) === 0;
}

/** The same for every exit: none is taken, or at any age. */
export function takesAnyExit({ exits, exit_age_ms_max }: SubscribedStrategy): boolean {
  return exits !== true || exit_age_ms_max === 0;
}

interface Deciding {
  readonly signal: Signal;
  readonly direction: Direction | null;
  readonly context: DecisionContext;
  readonly signalAgeMsMax: number;
}

function outcomeFor(strategy: SubscribedStrategy, deciding: Deciding): RoutingOutcome {
  const { signal, direction, context } = deciding;
  const { id, name, symbols, exits, shadow } = strategy;
  const { strategy: stops } = rulesOf(direction);
  if (stops.not_chosen && context.chosen?.has(id) === false) return ignored(strategy, "not_chosen");
  if (stops.strategy_disabled && !strategy.enabled) return ignored(strategy, "strategy_disabled");
  if (stops.strategy_archived && strategy.archived) return ignored(strategy, "strategy_archived");
  if (stops.exits_not_taken && exits !== true) return ignored(strategy, "exits_not_taken");
  if (stops.open_not_allowed && !strategy.allow_open && !strategy.reverse)
    return ignored(strategy, "open_not_allowed");
  if (stops.ticker_not_allowed && symbols !== null && !symbols.has(signal.symbol))
    return ignored(strategy, "ticker_not_allowed", { symbol: signal.symbol, allowed: symbols.size });
  const stale = stops.stale ? staleFor(strategy, ageOf(signal, context), deciding) : undefined;
  if (stale !== undefined) return ignored(strategy, "stale", stale);
  if (stops.paused && context.control.pausedStrategies.has(id)) return ignored(strategy, "paused");
  const reason = stops.shadow && shadow ? "shadow" : null;
  return { strategy_id: id, strategy: name, status: reason ?? "dispatched", reason, detail: NO_DETAIL };
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
