import type { SignalReason, StrategyReason } from "../reasons.ts";
import type { Direction } from "../reference/reference.ts";

/**
 * Which rules stop openings and which stop exits, in the order in which they are checked. An exit passes those that are about
 * opening a position: they must not keep one open.
 */
interface Stops {
  readonly opening: boolean;
  readonly exit: boolean;
}

const BOTH: Stops = { opening: true, exit: true };
const OPENINGS: Stops = { opening: true, exit: false };
const EXITS: Stops = { opening: false, exit: true };

/** What stops a signal as a whole. */
export const SIGNAL_RULES = {
  signal_disabled: BOTH,
  ambiguous_phrase: BOTH,
  unknown_ticker: BOTH,
  ticker_disabled: OPENINGS,
  trade_not_permitted: OPENINGS,
  no_strategies: BOTH,
  /** The age of an exit is a matter of each strategy, which may have a limit for exits. */
  stale: OPENINGS,
  paused: BOTH,
} as const satisfies Partial<Record<SignalReason, Stops>>;

/** What stops it for one strategy. */
export const STRATEGY_RULES = {
  not_chosen: BOTH,
  strategy_disabled: BOTH,
  strategy_archived: BOTH,
  exits_not_taken: EXITS,
  open_not_allowed: OPENINGS,
  ticker_not_allowed: OPENINGS,
  stale: BOTH,
  paused: BOTH,
  shadow: BOTH,
} as const satisfies Partial<Record<StrategyReason, Stops>>;

/** Whether each rule stops signals of one kind. */
export interface Rules {
  readonly signal: Readonly<Record<keyof typeof SIGNAL_RULES, boolean>>;
  readonly strategy: Readonly<Record<keyof typeof STRATEGY_RULES, boolean>>;
}

const OPENING_RULES = rulesFor("opening");
const EXIT_RULES = rulesFor("exit");

/** The rules for signals of this direction; null: an ambiguous phrase. */
export function rulesOf(direction: Direction | null): Rules {
  return direction === "flat" ? EXIT_RULES : OPENING_RULES;
}

function rulesFor(kind: keyof Stops): Rules {
  const stopsOf = <Reason extends string>(rules: Readonly<Record<Reason, Stops>>) =>
    Object.fromEntries(
      Object.entries<Stops>(rules).map(([reason, stops]) => [reason, stops[kind]]),
    ) as Record<Reason, boolean>;
  return { signal: stopsOf(SIGNAL_RULES), strategy: stopsOf(STRATEGY_RULES) };
}
