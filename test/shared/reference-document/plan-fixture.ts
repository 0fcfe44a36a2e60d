import type { DocumentStrategy, ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { planEdit, type PlanOptions } from "../../../shared/reference-document/plan-edit.ts";
import { NO_ROWS, type StoredRows } from "../../../shared/reference-document/stored-rows.ts";

/** Documents, the rows they become, and the plan of an edit. */

export const OPTIONS: PlanOptions = {
  prune: false,
  newIds: { next: { signals: 100, strategies: 100 }, former: { signals: new Map(), strategies: new Map() } },
};
export const exactly = (rows: StoredRows) => ({ rows, inexact: new Set<number>() });
export const plan = (rows: StoredRows, document: ReferenceDocument, options: Partial<PlanOptions> = {}) =>
  planEdit(exactly(rows), document, { ...OPTIONS, ...options });

export const strategy = (name: string, changes: Partial<DocumentStrategy> = {}): DocumentStrategy => ({
  name,
  signals: ["EMA"],
  tickers: "all",
  handler: "log",
  params: {},
  enabled: true,
  archived: false,
  allow_open: true,
  reverse: false,
  signal_age_ms_max: null,
  exits: false,
  exit_age_ms_max: null,
  shadow: false,
  ...changes,
});
export const signal = (name: string, changes = {}) => ({
  name,
  long_phrase: `${name} LONG`,
  short_phrase: null,
  exit_phrase: null,
  long_exit_phrase: null,
  short_exit_phrase: null,
  source: null,
  enabled: true,
  ...changes,
});
export const ticker = (symbol: string, changes = {}) =>
  ({ symbol, status: "enabled", trade_permission: "enabled", exchanges: null, ...changes }) as const;
export const document = (changes: Partial<ReferenceDocument> = {}): ReferenceDocument => ({
  tickers: [ticker("BTCUSDT")],
  signals: [signal("EMA")],
  strategies: [strategy("Trend")],
  ...changes,
});
export const stored = (from = document()): StoredRows => plan(NO_ROWS, from).rows;
