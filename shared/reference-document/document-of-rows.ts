import { namedId } from "../reference/row-faults.ts";
import type {
  DocumentSignal,
  DocumentSource,
  DocumentStrategy,
  DocumentTicker,
  ReferenceDocument,
} from "./document.ts";
import { faultsOfSource } from "./source-checks.ts";
import { effectiveAliases, type KnownTickers } from "./stored-aliases.ts";
import {
  groupedByStrategy,
  type ReadStoredRows,
  type StoredRows,
  type StoredSignal,
  type StoredSource,
  type StoredStrategy,
  type StoredTicker,
} from "./stored-rows.ts";
import { isSymbol, symbolsAmong, type SymbolOf } from "./ticker-symbols.ts";

/** The document of stored rows; what it cannot express is left out and named. `foreignSymbols`: of another system's tickers. */
export function documentOf(
  { rows, inexact }: ReadStoredRows,
  foreignSymbols?: readonly string[],
): DocumentOfRows {
  const { signals, strategies } = rows;
  const tickers = effectiveTickers(rows.tickers);
  const shown = new Set(tickers.values());
  const hidden = rows.tickers.filter((ticker) => !shown.has(ticker));
  const named = new Map(signals.filter(hasName).map(({ id, name }) => [id, name]));
  const lists = {
    links: groupedByStrategy(rows.strategy_signals),
    symbols: groupedByStrategy(rows.strategy_tickers),
    symbolOf: storedSymbols(rows.tickers),
  };
  const aliases = effectiveAliases(rows.ticker_aliases, knownTickers(rows, foreignSymbols));
  const faultOf = (strategy: StoredStrategy): string | undefined => strategyFault(strategy, inexact);
  const sourceFaultOf = (source: StoredSource): string | undefined => {
    const [fault] = faultsOfSource(sourceOf(source));
    return fault === undefined ? undefined : `${fault.path}: ${fault.message}`;
  };
  return {
    document: {
      tickers: [...tickers]
        .map(([symbol, ticker]) => tickerOf(symbol, ticker))
        .toSorted((a, b) => compareTexts(a.symbol, b.symbol)),
      signals: signals.filter(hasName).map(signalOf),
      strategies: strategies
        .filter((strategy) => faultOf(strategy) === undefined)
        .map((strategy) => strategyOf(strategy, lists, named)),
      aliases: [...aliases.found.values()]
        .map(({ alias, symbol }) => ({ alias, symbol }))
        .toSorted((a, b) => compareTexts(a.alias, b.alias)),
      sources: rows.webhook_sources.filter((source) => sourceFaultOf(source) === undefined).map(sourceOf),
    },
    unreadable: [
      ...hidden.map(({ symbol }) => {
        const why = isSymbol(symbol) ? "another row is the same symbol" : "it is no symbol";
        return `ticker ${JSON.stringify(symbol)}: ${why}`;
      }),
      ...signals.filter((signal) => !hasName(signal)).map(({ id }) => `signal ${id}: it has no name`),
      ...strategies.flatMap((strategy) => {
        const fault = faultOf(strategy);
        return fault === undefined ? [] : [`strategy ${namedId(strategy.name, `${strategy.id}`)}: ${fault}`];
      }),
      ...[...aliases.faults].map(([{ alias }, fault]) => `alias ${JSON.stringify(alias)}: ${fault}`),
      ...rows.webhook_sources.flatMap((source) => {
        const fault = sourceFaultOf(source);
        return fault === undefined ? [] : [`source ${source.name}: ${fault}`];
      }),
    ],
  };
}

export interface DocumentOfRows {
  readonly document: ReferenceDocument;
  /** A line for each row that the document cannot express. */
  readonly unreadable: readonly string[];
}

/** Of several spellings of a symbol the row that decisions use, by the symbol of its ticker. */
export function effectiveTickers(tickers: readonly StoredTicker[]): ReadonlyMap<string, StoredTicker> {
  const symbolIn = storedSymbols(tickers);
  const found = new Map<string, StoredTicker>();
  for (const ticker of tickers.toSorted((a, b) => compareTexts(a.symbol, b.symbol))) {
    const symbol = symbolIn(ticker.symbol);
    if (!isSymbol(ticker.symbol) || (found.has(symbol) && ticker.symbol !== symbol)) continue;
    found.set(symbol, ticker);
  }
  return found;
}

/** Names tickers among these rows. */
export function storedSymbols(tickers: readonly StoredTicker[]): SymbolOf {
  return symbolsAmong(tickers.map(({ symbol }) => symbol).filter(isSymbol));
}

/** The tickers of these rows, or those of another system. */
export function knownTickers({ tickers }: StoredRows, foreignSymbols?: readonly string[]): KnownTickers {
  const symbols = (foreignSymbols ?? tickers.map(({ symbol }) => symbol)).filter(isSymbol);
  const symbolOf = symbolsAmong(symbols);
  return { symbolOf, symbols: new Set(symbols.map(symbolOf)) };
}

/** Exchanges of a row or a document, as they are compared; what names none is left out. */
export function exchangesIn(given: DocumentTicker["exchanges"]): null | "*" | readonly string[] {
  const names = given === null || given === "*" ? [given ?? ""] : given;
  const normal = new Set(
    names.map((name) => name.trim().toUpperCase()).filter((name) => /^[^:]+$/.test(name)),
  );
  if (normal.has("*")) return "*";
  return normal.size === 0 ? null : [...normal];
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
  { id, name, handler, params, signal_age_ms_max: ageMax, exit_age_ms_max: exitAgeMax }: StoredStrategy,
  inexact: ReadonlySet<number>,
): string | undefined {
  if (name.trim() === "") return "it has no name";
  if (handler.trim() === "") return "it has no handler";
  if (typeof params !== "object" || params === null || Array.isArray(params))
    return "its params are not an object";
  if (ageMax !== null && ageMax < 0) return "its signal_age_ms_max is below 0";
  if (exitAgeMax !== null && exitAgeMax < 0) return "its exit_age_ms_max is below 0";
  return inexact.has(id) ? "its params have a number beyond 2^53, which would be changed" : undefined;
}

function tickerOf(symbol: string, ticker: StoredTicker): DocumentTicker {
  const { status, trade_permission } = ticker;
  return { symbol, status, trade_permission, exchanges: exchangesIn(ticker.exchanges) };
}

function signalOf({ name, source, enabled, ...phrases }: StoredSignal): DocumentSignal {
  return {
    name,
    long_phrase: phraseIn(phrases.long_phrase),
    short_phrase: phraseIn(phrases.short_phrase),
    exit_phrase: phraseIn(phrases.exit_phrase),
    long_exit_phrase: phraseIn(phrases.long_exit_phrase),
    short_exit_phrase: phraseIn(phrases.short_exit_phrase),
    source,
    enabled,
  };
}

function sourceOf({ name, enabled, format, template, uid }: StoredSource): DocumentSource {
  return { name, enabled, format, template: readableTemplate(template), uid: phraseIn(uid) };
}

/** Postgres keeps no order of names: the router's own fields come first, and of a field what it is made from. */
function readableTemplate(template: unknown): DocumentSource["template"] {
  const fields = Object.entries(Object(template) as Record<string, unknown>).map(([name, rule]) => [
    name,
    typeof rule === "object" && rule !== null && !Array.isArray(rule) ? inOrder(rule, RULE_ORDER) : rule,
  ]);
  return inOrder(Object.fromEntries(fields) as object, FIELD_ORDER) as DocumentSource["template"];
}

const FIELD_ORDER = ["message", "symbol", "time", "bar_time", "sent_at", "source"];
const RULE_ORDER = ["from", "map", "default"];

function inOrder(object: object, first: readonly string[]): object {
  const placeOf = (name: string): number => (first.includes(name) ? first.indexOf(name) : first.length);
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => placeOf(a) - placeOf(b)));
}

interface Lists {
  readonly links: ReadonlyMap<number, StoredRows["strategy_signals"]>;
  readonly symbols: ReadonlyMap<number, StoredRows["strategy_tickers"]>;
  readonly symbolOf: SymbolOf;
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
    .filter(({ symbol }) => isSymbol(symbol))
    .map(({ symbol }) => lists.symbolOf(symbol));
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
    exits: rest.exits,
    exit_age_ms_max: rest.exit_age_ms_max,
    shadow: rest.shadow,
  };
}
