import type { WebhookSource } from "../reference/webhook-source.ts";

/**
 * This room is the reference as people write it: one document with tickers, signals, strategies, aliases and webhook sources,
 * which name each other instead of using ids.
 */
export interface ReferenceDocument {
  readonly tickers: readonly DocumentTicker[];
  readonly signals: readonly DocumentSignal[];
  readonly strategies: readonly DocumentStrategy[];
  /** Absent, as in files of before: the document says nothing of them, and `prune` removes none. */
  readonly aliases?: readonly DocumentAlias[];
  /** Absent: as for aliases. */
  readonly sources?: readonly DocumentSource[];
}

export interface DocumentTicker {
  readonly symbol: string;
  readonly status: "enabled" | "disabled";
  readonly trade_permission: "enabled" | "disabled";
  /** Exchanges whose prefix is dropped; `*`: any; null: none. */
  readonly exchanges: null | "*" | readonly string[];
  /** The symbol it had before, which is renamed. */
  readonly was?: string;
}

export interface DocumentSignal {
  readonly name: string;
  readonly long_phrase: string | null;
  readonly short_phrase: string | null;
  readonly exit_phrase: string | null;
  readonly long_exit_phrase: string | null;
  readonly short_exit_phrase: string | null;
  readonly source: string | null;
  readonly enabled: boolean;
  /** The name it had before: it keeps its id. */
  readonly was?: string;
}

export interface DocumentStrategy {
  readonly name: string;
  /** Names of the signals it subscribes to. */
  readonly signals: readonly string[];
  /** Symbols; `all`: every ticker. */
  readonly tickers: "all" | readonly string[];
  readonly handler: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly enabled: boolean;
  readonly archived: boolean;
  readonly allow_open: boolean;
  readonly reverse: boolean;
  readonly signal_age_ms_max: number | null;
  readonly exits: boolean;
  readonly exit_age_ms_max: number | null;
  readonly shadow: boolean;
  /** The name it had before: it keeps its id. */
  readonly was?: string;
}

export interface DocumentAlias {
  /** Another spelling. */
  readonly alias: string;
  /** Of the ticker that it means. */
  readonly symbol: string;
  /** The alias it was before. */
  readonly was?: string;
}

export interface DocumentSource extends Pick<WebhookSource, "enabled" | "format" | "template"> {
  readonly name: string;
  readonly uid: string | null;
  /** The name it had before. */
  readonly was?: string;
}

/** What is wrong in a document; lines and columns count from 1 and are absent when it did not come as text. */
export interface DocumentFault {
  /** `strategies[2].tickers[0]` */
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  /** What was found, what is expected, what to do. */
  readonly message: string;
}
