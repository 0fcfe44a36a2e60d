import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { webhookSourceSchema } from "../../shared/reference/webhook-source.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../builders.ts";
import { codeIn, sectionIn } from "../markdown.ts";

/** The reference that the corpus is decided with, and when that is. */

/** A second after the `sent_at` of its alerts, whose bar began at 10:00. */
export const CORPUS_NOW = Date.parse("2026-01-05T10:15:02Z");

/** The webhook sources that the guide shows, as they stand there. */
const guide = readFileSync(join(import.meta.dirname, "../../runner/http/webhook/README.md"), "utf8");
const ownSources = z
  .object({ sources: z.array(webhookSourceSchema.partial({ enabled: true }).extend({ name: z.string() })) })
  .parse(parse(codeIn(sectionIn(guide, "Senders with a body of their own"), "yaml"))).sources;

export const corpusReference: ReferenceRows = referenceRows({
  tickers: [
    tickerRow("BTCUSDT"),
    tickerRow("ETHUSDT", { exchanges: ["BINANCE", "COINBASE"] }),
    tickerRow("AAPL", { exchanges: ["*"] }),
    tickerRow("BRK.B"),
    tickerRow("SOLUSDT", { trade_permission: "disabled" }),
    // Spot and perpetual, each with a row.
    tickerRow("XRPUSDT"),
    tickerRow("XRPUSDT.P"),
  ],
  ticker_aliases: [
    { alias: "BTC/USDT", symbol: "BTCUSDT" },
    { alias: "XBTUSD", symbol: "BTCUSDT" },
    { alias: "BTCUSDTPERP", symbol: "BTCUSDT" },
  ],
  webhook_sources: ownSources.map(({ enabled = true, uid = null, ...source }) => ({
    ...source,
    enabled,
    uid,
  })),
  signals: [
    signalRow(1, {
      name: "EMA cross",
      long_phrase: "EMA_CROSS_LONG",
      short_phrase: "EMA_CROSS_SHORT",
      exit_phrase: "EMA_EXIT",
      long_exit_phrase: "EMA_EXIT_LONG",
      short_exit_phrase: "EMA_EXIT_SHORT",
    }),
    signalRow(2, { name: "Breakout", long_phrase: "Пробой вверх", short_phrase: "Buy & hold: no" }),
  ],
  strategies: [
    strategyRow(1, { name: "Trend follower", exits: true }),
    strategyRow(2, { name: "Ether only", use_all_tickers: false }),
    strategyRow(3, { name: "Only closes", allow_open: false, exits: true, exit_age_ms_max: 0 }),
  ],
  strategy_signals: [
    { strategy_id: 1, signal_id: 1 },
    { strategy_id: 2, signal_id: 1 },
    { strategy_id: 3, signal_id: 1 },
    { strategy_id: 1, signal_id: 2 },
  ],
  strategy_tickers: [{ strategy_id: 2, symbol: "ETHUSDT" }],
});
