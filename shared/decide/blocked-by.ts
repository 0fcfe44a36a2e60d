import type { SignalReason } from "../reasons.ts";
import type { Subscription } from "../reference/snapshot.ts";
import type { Detail, Signal } from "../signal/signal.ts";
import { excerpt } from "../text.ts";
import { ageOf, staleDetail } from "./age.ts";
import type { DecisionContext } from "./decision.ts";

/** Why a whole signal is not dispatched. */
export interface Block {
  readonly reason: SignalReason;
  readonly detail: Detail;
}

/** The first thing that blocks the whole signal: its phrase, ticker, subscribers, age, or a pause of all strategies. */
export function blockedBy(
  signal: Signal,
  { state, phrase, signal_ids, strategies }: Subscription,
  context: DecisionContext,
): Block | undefined {
  if (state === "disabled") return { reason: "signal_disabled", detail: { phrase, signal_ids } };
  if (state === "ambiguous") return { reason: "ambiguous_phrase", detail: { phrase, signal_ids } };
  const { symbol } = signal;
  const ticker = context.snapshot.tickers.get(symbol);
  if (ticker === undefined) return { reason: "unknown_ticker", detail: { symbol: excerpt(symbol) } };
  if (ticker.status !== "enabled") return { reason: "ticker_disabled", detail: { symbol } };
  if (ticker.trade_permission !== "enabled") return { reason: "trade_not_permitted", detail: { symbol } };
  if (strategies.length === 0) return { reason: "no_strategies", detail: { phrase } };
  const stale = staleDetail(ageOf(signal, context), context.signalAgeMsMax);
  if (stale !== undefined) return { reason: "stale", detail: stale };
  if (context.control.allPaused) return { reason: "paused", detail: { paused: "all strategies" } };
  return undefined;
}
