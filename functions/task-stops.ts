import { blockedBy } from "../shared/decide/blocked-by.ts";
import { permissionFor, type ExecutionContext } from "../shared/decide/execution.ts";
import { routedVerdict } from "../shared/decide/verdict.ts";
import type { SubscribedStrategy, Subscription } from "../shared/reference/snapshot.ts";
import type { Detail, Signal } from "../shared/signal/signal.ts";
import type { Task } from "../shared/task.ts";

/** Something that would keep a task from being run, or make it fail. */
export interface Stop {
  readonly reason: string;
  /** For people. */
  readonly text: string;
}

/** Everything that keeps the task from being run now, by the rules of a run, of which each names the first alone. */
export function permissionStops(task: Task, context: ExecutionContext): Stop[] {
  const stops: Stop[] = [];
  let asked: ExecutionContext | undefined = context;
  while (asked !== undefined) {
    const permission = permissionFor(task, asked);
    if (permission.run || stops.length === STOPS_MAX) return stops;
    stops.push(stopOf(permission.reason, permission.detail));
    asked = contextWithout(permission.reason, task.strategyId, asked);
  }
  return stops;
}

/** Each reason is taken away once. */
const STOPS_MAX = 10;

/** What keeps a signal on this symbol from being dispatched to the strategy, apart from what keeps a task from being run. */
export function tickerStops(task: Task, strategy: SubscribedStrategy, context: ExecutionContext): Stop[] {
  const signal = signalOf(task);
  const able = { ...strategy, enabled: true, archived: false, exits: true, shadow: false } as const;
  const subscription: Subscription = {
    phrase: signal.phrase,
    state: "enabled",
    signal_id: task.signalId,
    signal_ids: [task.signalId],
    direction: task.direction,
    strategy_ids: [strategy.id],
    strategies: [able],
  };
  const { control } = context;
  const unpaused = { ...control, allPaused: false, pausedStrategies: new Set<number>() };
  const deciding = { ...context, control: unpaused, anyAge: true };
  const block = blockedBy(signal, subscription, deciding);
  const outcomes = [able, { ...able, allow_open: true }].flatMap(
    (one) => routedVerdict({ strategies: [one], direction: task.direction }, signal, deciding).outcomes,
  );
  const found = [block, ...outcomes].flatMap((one) =>
    one === undefined || one.reason === null ? [] : [stopOf(one.reason, one.detail)],
  );
  return found.filter(({ reason }, at) => found.findIndex((other) => other.reason === reason) === at);
}

function contextWithout(
  reason: string,
  strategyId: number,
  context: ExecutionContext,
): ExecutionContext | undefined {
  const change = LIFTED[reason];
  if (change !== undefined) return withStrategy(context, strategyId, change);
  if (reason !== "paused") return undefined;
  const { control } = context;
  const lifted = control.allPaused ? { allPaused: false } : { pausedStrategies: new Set<number>() };
  return { ...context, control: { ...control, ...lifted } };
}

const LIFTED: Readonly<Record<string, Partial<SubscribedStrategy>>> = {
  strategy_disabled: { enabled: true },
  strategy_archived: { archived: false },
  exits_not_taken: { exits: true },
  shadow: { shadow: false },
  stale: { signal_age_ms_max: null, exit_age_ms_max: 0 },
};

function withStrategy(
  context: ExecutionContext,
  strategyId: number,
  change: Partial<SubscribedStrategy>,
): ExecutionContext {
  const { snapshot } = context;
  const strategies = new Map(snapshot.strategies);
  const strategy = strategies.get(strategyId);
  if (strategy !== undefined) strategies.set(strategyId, { ...strategy, ...change });
  const signalAgeMsMax = "signal_age_ms_max" in change ? 0 : context.signalAgeMsMax;
  return { ...context, signalAgeMsMax, snapshot: { ...snapshot, strategies } };
}

function stopOf(reason: string, detail: Detail): Stop {
  return { reason, text: TEXTS[reason]?.(detail) ?? reason };
}

const TEXTS: Readonly<Record<string, (detail: Detail) => string>> = {
  unknown_strategy: () => "the reference has no such strategy",
  strategy_disabled: () => "the strategy is disabled",
  strategy_archived: () => "the strategy is archived",
  shadow: () => "the strategy is a shadow: it is decided and recorded, and not run",
  stale: ({ age_ms, age_ms_max }) =>
    `its signal is ${String(age_ms)} ms old, more than ${String(age_ms_max)} ms`,
  paused: ({ paused }) => (paused === undefined ? "the strategy is paused" : "every strategy is paused"),
  unknown_ticker: ({ symbol }) => `the reference has no ticker ${String(symbol)}`,
  ticker_disabled: ({ symbol }) => `the ticker ${String(symbol)} is disabled`,
  trade_not_permitted: ({ symbol }) => `the ticker ${String(symbol)} may not be traded (trade_permission)`,
  exits_not_taken: () => "the strategy takes no exits (exits)",
  open_not_allowed: () => "the strategy has neither allow_open nor reverse",
  ticker_not_allowed: ({ symbol, allowed }) =>
    `${String(symbol)} is not among the tickers of the strategy, which has ${String(allowed)}`,
};

/** The signal that the task could come from, as far as rules look at it. */
function signalOf({ entryId, uid, symbol, barTime, sentAt, receivedAt, source }: Task): Signal {
  return {
    entryId,
    raw: {},
    uid,
    symbol,
    message: "",
    phrase: "",
    source,
    barTime,
    sentAt,
    receivedAt,
    receivedText: null,
    extra: null,
    ageFrom: receivedAt,
    notes: {},
  };
}
