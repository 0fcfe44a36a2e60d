/** Machine-readable reasons why a signal was not dispatched; the decision's detail has the rest. */
export const SIGNAL_REASONS = [
  "missing_field",
  "invalid_field",
  "unknown_phrase",
  "signal_disabled",
  "ambiguous_phrase",
  "unknown_ticker",
  "ticker_disabled",
  "trade_not_permitted",
  "no_strategies",
  "no_eligible_strategy",
  "stale",
  "paused",
  "duplicate_uid",
  "shadow",
] as const;

/** Why a strategy got no task; a reason that blocks the whole signal is the reason of each of its strategies, too. */
export const STRATEGY_REASONS = [
  "not_chosen",
  "strategy_disabled",
  "strategy_archived",
  "exits_not_taken",
  "open_not_allowed",
  "ticker_not_allowed",
  "stale",
  "shadow",
  "paused",
] as const;

export type SignalReason = (typeof SIGNAL_REASONS)[number];
export type StrategyReason = (typeof STRATEGY_REASONS)[number] | SignalReason;

/** Why a task was not executed, or failed. Handlers may have reasons of their own. */
export const EXECUTION_REASONS = [
  "unknown_strategy",
  "strategy_disabled",
  "strategy_archived",
  "exits_not_taken",
  "shadow",
  "stale",
  "paused",
  "unusable_reference_row",
  "unknown_handler",
  "invalid_params",
  "invalid_extra",
  "missing_secret",
  "invalid_url",
  "forbidden_address",
  "invalid_outcome",
  "timeout",
  "error",
  "unusable_stream",
  "retryable_error",
  "attempts_exhausted",
  "entry_lost",
] as const;
export type ExecutionReason = (typeof EXECUTION_REASONS)[number];

export const SIGNAL_STATUSES = ["dispatched", "ignored", "duplicate", "rejected"] as const;
export type SignalStatus = (typeof SIGNAL_STATUSES)[number];

export const ROUTING_STATUSES = ["dispatched", "ignored", "shadow"] as const;
export type RoutingStatus = (typeof ROUTING_STATUSES)[number];

export const EXECUTION_STATUSES = ["executed", "ignored", "failed", "delegated"] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];
