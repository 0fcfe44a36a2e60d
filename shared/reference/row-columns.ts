import {
  ageMax,
  bodyFormat,
  exchanges,
  flag,
  id,
  params,
  phrase,
  sourceName,
  switchWord,
  symbol,
  template,
  text,
  uidTemplate,
  readText,
  type Reading,
} from "./cell-readings.ts";
import type { ReadTable, ReferenceRows } from "./reference.ts";

/** What is expected in each column of the reference tables, and what the router does where it finds something else. */

export interface Column<Value> extends Reading<Value> {
  /** What stands in for a value that cannot be read, always the one that trades least; absent: the row is left out. */
  readonly instead?: (id: number) => Value;
  /** What becomes of the row then, as a clause for people. */
  readonly effect: string;
  /** What a relation without the column means, as a default of the router's own table; absent: it has to be there. */
  readonly absent?: Value;
}

export type RowOf<Table extends ReadTable> = Omit<ReferenceRows[Table][number], "faults">;

export type Columns<Row> = { readonly [Name in keyof Row]-?: Column<Row[Name]> };

const signalLeftOut = { effect: "the signal is left out: its phrases are ignored as unknown_phrase" };
const subscriptionLeftOut = { effect: "the subscription is left out: the strategy does not get the signal" };
const listingLeftOut = { effect: "the symbol is left out of the strategy's list" };
const aliasLeftOut = { effect: "the alias is left out: its signals are ignored as unknown_ticker" };
const sourceLeftOut = { effect: "the source is left out: its webhooks are refused" };
const cannotRun = "the strategy cannot run: its tasks fail as unusable_reference_row";

export const REFERENCE_COLUMNS: { readonly [Table in ReadTable]: Columns<RowOf<Table>> } = {
  tickers: {
    symbol: {
      ...symbol,
      expected: `${symbol.expected} that only one row has`,
      effect: "the ticker is left out: its signals are ignored as unknown_ticker",
    },
    status: {
      ...switchWord,
      absent: "enabled",
      instead: () => "disabled",
      effect: "the ticker counts as disabled: its signals are ignored as ticker_disabled",
    },
    trade_permission: {
      ...switchWord,
      absent: "enabled",
      instead: () => "disabled",
      effect: "the permission counts as disabled: its signals are ignored as trade_not_permitted",
    },
    exchanges: {
      ...exchanges,
      absent: null,
      instead: () => null,
      effect: "no exchange counts: its symbol with an exchange before it is ignored as unknown_ticker",
    },
  },
  signals: {
    id: { ...id, ...signalLeftOut },
    // No decision needs it, so whatever it is, it is no reason to leave a signal out.
    name: { ...text, read: (value) => readText(value) ?? "", ...signalLeftOut },
    long_phrase: { ...phrase, absent: null, ...signalLeftOut },
    short_phrase: { ...phrase, absent: null, ...signalLeftOut },
    exit_phrase: { ...phrase, absent: null, ...signalLeftOut },
    long_exit_phrase: { ...phrase, absent: null, ...signalLeftOut },
    short_exit_phrase: { ...phrase, absent: null, ...signalLeftOut },
    enabled: { ...flag, absent: true, ...signalLeftOut },
  },
  strategies: {
    id: {
      ...id,
      expected: `${id.expected} that only one row has`,
      effect: "the strategy is left out: it gets no signal",
    },
    name: { ...text, instead: (strategy) => `strategy ${strategy}`, effect: cannotRun },
    enabled: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and it counts as disabled`,
    },
    archived: {
      ...flag,
      absent: false,
      instead: () => true,
      effect: `${cannotRun}, and it counts as archived`,
    },
    allow_open: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and it may not open`,
    },
    reverse: {
      ...flag,
      absent: false,
      instead: () => false,
      effect: `${cannotRun}, and it may not reverse`,
    },
    use_all_tickers: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and only symbols in its rows of strategy_tickers are dispatched to it`,
    },
    handler: { ...text, absent: "log", instead: () => "", effect: cannotRun },
    params: { ...params, absent: {}, instead: () => ({}), effect: cannotRun },
    signal_age_ms_max: {
      ...ageMax,
      absent: null,
      instead: () => 1,
      effect: `${cannotRun}, and every signal counts as too old for it`,
    },
    shadow: {
      ...flag,
      absent: false,
      instead: () => true,
      effect: `${cannotRun}, and it counts as a shadow`,
    },
    exits: {
      ...flag,
      absent: false,
      instead: () => false,
      effect: `${cannotRun}, and it takes no exits`,
    },
    exit_age_ms_max: {
      ...ageMax,
      absent: null,
      instead: () => 1,
      effect: `${cannotRun}, and every exit counts as too old for it`,
    },
  },
  strategy_signals: {
    strategy_id: { ...id, ...subscriptionLeftOut },
    signal_id: { ...id, ...subscriptionLeftOut },
  },
  strategy_tickers: {
    strategy_id: { ...id, ...listingLeftOut },
    symbol: { ...symbol, ...listingLeftOut },
  },
  ticker_aliases: {
    alias: { ...symbol, expected: "another spelling of a ticker's symbol", ...aliasLeftOut },
    symbol: { ...symbol, ...aliasLeftOut },
  },
  webhook_sources: {
    name: { ...sourceName, ...sourceLeftOut },
    enabled: { ...flag, ...sourceLeftOut },
    format: { ...bodyFormat, ...sourceLeftOut },
    template: { ...template, ...sourceLeftOut },
    uid: { ...uidTemplate, ...sourceLeftOut },
  },
};
