import type { SignalReason } from "../reasons.ts";
import type { Snapshot, Subscription } from "../reference/snapshot.ts";
import type { Detail, Signal } from "../signal/signal.ts";
import { ageOf, staleDetail } from "./age.ts";
import type { DecisionContext } from "./decision.ts";
import { rulesOf } from "./rules.ts";
import { unknownTickerDetail } from "./unknown-ticker.ts";

/** Why a whole signal is not dispatched. */
export interface Block {
  readonly reason: SignalReason;
  readonly detail: Detail;
}

/** The first thing that blocks the whole signal: its phrase, ticker, subscribers, age, or a pause of all strategies. */
export function blockedBy(
  signal: Signal,
  { state, phrase, signal_ids, direction, strategies }: Subscription,
  context: DecisionContext,
  unknownTicker: (signal: Signal, snapshot: Snapshot) => Detail = unknownTickerDetail,
): Block | undefined {
  const { signal: stops } = rulesOf(direction);
  if (stops.signal_disabled && state === "disabled")
    return { reason: "signal_disabled", detail: { phrase, signal_ids } };
  if (stops.ambiguous_phrase && state === "ambiguous")
    return { reason: "ambiguous_phrase", detail: { phrase, signal_ids } };
  const { symbol } = signal;
  const { snapshot } = context;
  const ticker = snapshot.tickers.get(symbol);
  if (stops.unknown_ticker && ticker === undefined)
    return { reason: "unknown_ticker", detail: unknownTicker(signal, snapshot) };
  if (stops.ticker_disabled && ticker?.status !== "enabled")
    return { reason: "ticker_disabled", detail: { symbol } };
  if (stops.trade_not_permitted && ticker?.trade_permission !== "enabled")
    return { reason: "trade_not_permitted", detail: { symbol } };
  if (stops.no_strategies && strategies.length === 0) return { reason: "no_strategies", detail: { phrase } };
  const stale = stops.stale ? staleDetail(ageOf(signal, context), context.signalAgeMsMax) : undefined;
  if (stale !== undefined) return { reason: "stale", detail: stale };
  if (stops.paused && context.control.allPaused)
    return { reason: "paused", detail: { paused: "all strategies" } };
  return undefined;
}
