import * as z from "zod";
import type { WebhookSource } from "./webhook-source.ts";

/**
 * Reference data: what the router must know about tickers, strategies and phrases. It is read from Postgres as rows, turned
 * into a snapshot (see build-reference.ts), and kept in Redis hashes.
 */

const switchState = z.enum(["enabled", "disabled"]);
const direction = z.enum(["long", "short", "flat"]);
export const sideSchema = z.enum(["long", "short"]);
const rowId = z.int();

/** Opens a position on a side, or closes one: `flat`. */
export type Direction = z.infer<typeof direction>;
/** The side that an exit closes. */
export type Side = z.infer<typeof sideSchema>;

export const tickerSchema = z.object({
  status: switchState,
  trade_permission: switchState,
  /** Other spellings that mean this ticker, trimmed and in upper case; absent: none. */
  aliases: z.array(z.string()).optional(),
  /** Exchanges whose prefix, as in `BINANCE:BTCUSDT`, is dropped, in upper case; `*`: any; absent: none. */
  exchanges: z.union([z.literal("*"), z.array(z.string())]).optional(),
});
export type Ticker = z.infer<typeof tickerSchema>;

export const strategySchema = z.object({
  id: rowId,
  name: z.string(),
  enabled: z.boolean(),
  archived: z.boolean(),
  allow_open: z.boolean(),
  reverse: z.boolean(),
  /** Normalised symbols the strategy is limited to; null: every ticker. */
  symbols: z.array(z.string()).nullable(),
  handler: z.string(),
  params: z.record(z.string(), z.unknown()),
  signal_age_ms_max: z.int().nullable(),
  shadow: z.boolean(),
  /** Takes exits; absent: false. */
  exits: z.literal(true).optional(),
  /** The limit of an exit's age in place of all others, in ms; 0: any age; absent: as for openings. */
  exit_age_ms_max: z.int().optional(),
  /** Columns of its row that cannot be read, so that it cannot run; absent when all can. */
  faults: z.array(z.object({ column: z.string(), value: z.string() })).optional(),
});
export type Strategy = z.infer<typeof strategySchema>;

/** What a phrase means: a signal and a direction, unless it is disabled, or ambiguous because it has both directions. */
export const phraseSchema = z.object({
  /** As written in the signals table. */
  phrase: z.string(),
  state: z.enum(["enabled", "disabled", "ambiguous"]),
  /** The lowest id among the signals that share the phrase. */
  signal_id: rowId,
  signal_ids: z.array(rowId),
  direction: direction.nullable(),
  /** The only side that this exit closes; absent: both, and for openings. */
  side: sideSchema.optional(),
  /** Ids of the subscribed strategies, ascending, also disabled and archived ones. */
  strategy_ids: z.array(rowId),
});
export type Phrase = z.infer<typeof phraseSchema>;

export const metaSchema = z.object({
  tickers: z.coerce.number().int(),
  strategies: z.coerce.number().int(),
  strategy_signals: z.coerce.number().int(),
  created_at: z.iso.datetime(),
  /** Of the hashes; routers of the first format did not write it. */
  format: z.coerce.number().int().default(1),
  /** What cannot be used in the rows, as JSON; absent when everything can. */
  faults: z.string().optional(),
  /** The webhook sources with their names, as JSON; absent when there are none. */
  sources: z.string().optional(),
});
export type ReferenceMeta = z.infer<typeof metaSchema>;

/** The whole reference at one version, by ticker symbol, strategy id, folded phrase and name of the source. */
export interface ReferenceContent {
  readonly tickers: ReadonlyMap<string, Ticker>;
  readonly strategies: ReadonlyMap<number, Strategy>;
  readonly phrases: ReadonlyMap<string, Phrase>;
  /** How webhooks read bodies of senders of their own. */
  readonly sources: ReadonlyMap<string, WebhookSource>;
}

/** The five tables that another system may maintain, in an order that keeps foreign keys valid. */
export const REFERENCE_TABLES = [
  "tickers",
  "signals",
  "strategies",
  "strategy_signals",
  "strategy_tickers",
] as const;
export type ReferenceTable = (typeof REFERENCE_TABLES)[number];

/** Tables that are the router's own, whoever maintains the others. */
export const ROUTER_TABLES = ["ticker_aliases", "webhook_sources"] as const;
export type RouterTable = (typeof ROUTER_TABLES)[number];

/** All tables that the reference is read from. */
export const READ_TABLES = [...REFERENCE_TABLES, ...ROUTER_TABLES] as const;
export type ReadTable = (typeof READ_TABLES)[number];

/**
 * Rows as Postgres holds them: any value may stand in any column, and columns may be missing. Rows of the history, which is older
 * than the router's own two tables, lack these.
 */
export type RawReferenceRows = { readonly [Table in ReferenceTable]: readonly unknown[] } & {
  readonly [Table in RouterTable]?: readonly unknown[];
};

/** Rows that the router can use. */
export interface ReferenceRows {
  readonly tickers: readonly TickerRow[];
  readonly signals: readonly SignalRow[];
  readonly strategies: readonly StrategyRow[];
  readonly strategy_signals: readonly { readonly strategy_id: number; readonly signal_id: number }[];
  readonly strategy_tickers: readonly { readonly strategy_id: number; readonly symbol: string }[];
  readonly ticker_aliases: readonly { readonly alias: string; readonly symbol: string }[];
  readonly webhook_sources: readonly WebhookSourceRow[];
}

export interface TickerRow extends Pick<Ticker, "status" | "trade_permission"> {
  readonly symbol: string;
  /** In upper case; null: none. `*` among them: any. */
  readonly exchanges: readonly string[] | null;
}

export type StrategyRow = Omit<Strategy, "symbols" | "exits" | "exit_age_ms_max"> & {
  readonly use_all_tickers: boolean;
  readonly exits: boolean;
  readonly exit_age_ms_max: number | null;
};

export type SignalRow = {
  readonly id: number;
  /** For people; no decision needs it. */
  readonly name: string;
  readonly long_phrase: string | null;
  readonly short_phrase: string | null;
  readonly exit_phrase: string | null;
  readonly long_exit_phrase: string | null;
  readonly short_exit_phrase: string | null;
  readonly enabled: boolean;
};

export type WebhookSourceRow = Omit<WebhookSource, "uid"> & {
  readonly name: string;
  readonly uid: string | null;
};
