import { namedId } from "../reference/row-faults.ts";
import { normaliseSymbol } from "../signal/signal.ts";
import type { DocumentSignal, DocumentStrategy, DocumentTicker, ReferenceDocument } from "./document.ts";
import {
  groupedByStrategy,
  type ReadStoredRows,
  type StoredRows,
  type StoredStrategy,
  type StoredTicker,
} from "./stored-rows.ts";

/** The document of stored rows; what it cannot express is left out and named. */
export function documentOf({ rows, inexact }: ReadStoredRows): DocumentOfRows {
  const { signals, strategies } = rows;
  const shown = new Set(effectiveTickers(rows.tickers).values());
  const hidden = rows.tickers.filter((ticker) => !shown.has(ticker));
  const named = new Map(signals.filter(hasName).map(({ id, name }) => [id, name]));
  const lists = {
    links: groupedByStrategy(rows.strategy_signals),
    symbols: groupedByStrategy(rows.strategy_tickers),
  };
  const faultOf = (strategy: StoredStrategy): string | undefined => strategyFault(strategy, inexact);
  return {
    document: {
      tickers: [...shown].map(tickerOf).toSorted((a, b) => compareTexts(a.symbol, b.symbol)),
      signals: signals.filter(hasName).map(signalOf),
      strategies: strategies
        .filter((strategy) => faultOf(strategy) === undefined)
        .map((strategy) => strategyOf(strategy, lists, named)),
    },
    unreadable: [
      ...hidden.map(({ symbol }) => {
        const why = symbolIn(symbol) === "" ? "it is no symbol" : "another row is the same symbol";
        return `ticker ${JSON.stringify(symbol)}: ${why}`;
      }),
      ...signals.filter((signal) => !hasName(signal)).map(({ id }) => `signal ${id}: it has no name`),
      ...strategies.flatMap((strategy) => {
        const fault = faultOf(strategy);
        return fault === undefined ? [] : [`strategy ${namedId(strategy.name, `${strategy.id}`)}: ${fault}`];
      }),
    ],
  };
}

export interface DocumentOfRows {
  readonly document: ReferenceDocument;
  /** A line for each row that the document cannot express. */
  readonly unreadable: readonly string[];
}

/** Of several spellings of a symbol the row that decisions use, by normalised symbol. */
export function effectiveTickers(tickers: readonly StoredTicker[]): ReadonlyMap<string, StoredTicker> {
  const found = new Map<string, StoredTicker>();
  for (const ticker of tickers.toSorted((a, b) => compareTexts(a.symbol, b.symbol))) {
    const symbol = symbolIn(ticker.symbol);
    if (symbol === "" || (found.has(symbol) && ticker.symbol !== symbol)) continue;
    found.set(symbol, ticker);
  }
  return found;
}

/** A stored symbol as decisions know it; empty when no document can express it: normalised again, it is another one. */
export function symbolIn(stored: string): string {
  const symbol = normaliseSymbol(stored);
  return normaliseSymbol(symbol) === symbol ? symbol : "";
}

/** A symbol of a document as it is stored. */
export function symbolOf(text: string): string {
  const symbol = normaliseSymbol(text);
  return symbol === text ? symbol : symbolOf(symbol);
}

/** A phrase without text is none. */
export function phraseIn(text: string | null): string | null {
  return text === null || text.trim() === "" ? null : text;
}

export function hasName({ name }: { readonly name: string }): boolean {
  return name.trim() !== "";
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Why the document cannot express the strategy. */
function strategyFault(
  { id, name, handler, params, signal_age_ms_max: ageMax }: StoredStrategy,
  inexact: ReadonlySet<number>,
): string | undefined {
  if (name.trim() === "") return "it has no name";
  if (handler.trim() === "") return "it has no handler";
  if (typeof params !== "object" || params === null || Array.isArray(params))
    return "its params are not an object";
  if (ageMax !== null && ageMax < 0) return "its signal_age_ms_max is below 0";
  return inexact.has(id) ? "its params have a number beyond 2^53, which would be changed" : undefined;
}

function tickerOf({ symbol, status, trade_permission }: StoredTicker): DocumentTicker {
  return { symbol: symbolIn(symbol), status, trade_permission };
}

function signalOf({ name, long_phrase, short_phrase, source, enabled }: StoredRows["signals"][number]) {
  const phrases = { long_phrase: phraseIn(long_phrase), short_phrase: phraseIn(short_phrase) };
  return { name, ...phrases, source, enabled } satisfies DocumentSignal;
}

interface Lists {
  readonly links: ReadonlyMap<number, StoredRows["strategy_signals"]>;
  readonly symbols: ReadonlyMap<number, StoredRows["strategy_tickers"]>;
}

function strategyOf(
  strategy: StoredStrategy,
  lists: Lists,
  signalNames: ReadonlyMap<number, string>,
): DocumentStrategy {
  const { id, name, use_all_tickers: usesAll, params, ...rest } = strategy;
  const signals = (lists.links.get(id) ?? [])
    .toSorted((a, b) => a.signal_id - b.signal_id)
    .flatMap((link) => signalNames.get(link.signal_id) ?? []);
  const symbols = (lists.symbols.get(id) ?? [])
    .map(({ symbol }) => symbolIn(symbol))
    .filter((symbol) => symbol !== "");
  return {
    name,
    signals,
    tickers: usesAll ? "all" : [...new Set(symbols)].toSorted(compareTexts),
    handler: rest.handler,
    params: params as DocumentStrategy["params"],
    enabled: rest.enabled,
    archived: rest.archived,
    allow_open: rest.allow_open,
    reverse: rest.reverse,
    signal_age_ms_max: rest.signal_age_ms_max,
    shadow: rest.shadow,
  };
}
