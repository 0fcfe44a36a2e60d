import * as z from "zod";

/**
 * Reference data: what the router must know about tickers, strategies and phrases. It is read from Postgres as rows, turned
 * into a snapshot (see build-reference.ts), and kept in Redis hashes.
 */

const switchState = z.enum(["enabled", "disabled"]);
const direction = z.enum(["long", "short"]);
const rowId = z.int();

export type Direction = z.infer<typeof direction>;

export const tickerSchema = z.object({ status: switchState, trade_permission: switchState });
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
  /** Ids of the subscribed strategies, ascending, also disabled and archived ones. */
  strategy_ids: z.array(rowId),
});
export type Phrase = z.infer<typeof phraseSchema>;

export const metaSchema = z.object({
  tickers: z.coerce.number().int(),
  strategies: z.coerce.number().int(),
  strategy_signals: z.coerce.number().int(),
  created_at: z.iso.datetime(),
});
export type ReferenceMeta = z.infer<typeof metaSchema>;

/** The whole reference at one version, by normalised symbol, strategy id and folded phrase. */
export interface ReferenceContent {
  readonly tickers: ReadonlyMap<string, Ticker>;
  readonly strategies: ReadonlyMap<number, Strategy>;
  readonly phrases: ReadonlyMap<string, Phrase>;
}

/** Rows as Postgres holds them, each list ordered by its key. */
export const referenceRowsSchema = z.object({
  tickers: z.array(z.object({ symbol: z.string(), status: switchState, trade_permission: switchState })),
  signals: z.array(
    z.object({
      id: rowId,
      name: z.string(),
      long_phrase: z.string().nullable(),
      short_phrase: z.string().nullable(),
      enabled: z.boolean(),
    }),
  ),
  strategies: z.array(strategySchema.omit({ symbols: true }).extend({ use_all_tickers: z.boolean() })),
  strategy_signals: z.array(z.object({ strategy_id: rowId, signal_id: rowId })),
  strategy_tickers: z.array(z.object({ strategy_id: rowId, symbol: z.string() })),
});
export type ReferenceRows = z.infer<typeof referenceRowsSchema>;
