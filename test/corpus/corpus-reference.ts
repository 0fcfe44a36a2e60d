import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../builders.ts";

/** The reference that the corpus is decided with, and when that is. */

/** A second after the `sent_at` of its alerts, whose bar began at 10:00. */
export const CORPUS_NOW = Date.parse("2026-01-05T10:15:02Z");

export const corpusReference: ReferenceRows = referenceRows({
  tickers: [
    tickerRow("BTCUSDT"),
    tickerRow("ETHUSDT"),
    tickerRow("AAPL"),
    tickerRow("BRK.B"),
    tickerRow("SOLUSDT", { trade_permission: "disabled" }),
  ],
  signals: [
    signalRow(1, { name: "EMA cross", long_phrase: "EMA_CROSS_LONG", short_phrase: "EMA_CROSS_SHORT" }),
    signalRow(2, { name: "Breakout", long_phrase: "Пробой вверх", short_phrase: "Buy & hold: no" }),
  ],
  strategies: [
    strategyRow(1, { name: "Trend follower" }),
    strategyRow(2, { name: "Ether only", use_all_tickers: false }),
  ],
  strategy_signals: [
    { strategy_id: 1, signal_id: 1 },
    { strategy_id: 2, signal_id: 1 },
    { strategy_id: 1, signal_id: 2 },
  ],
  strategy_tickers: [{ strategy_id: 2, symbol: "ETHUSDT" }],
});
