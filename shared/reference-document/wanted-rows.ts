import { canonicalJson } from "../reference/reference-text.ts";
import type { DocumentKind } from "./document-fields.ts";
import { effectiveTickers, phraseIn, symbolIn, symbolOf } from "./document-of-rows.ts";
import type { DocumentFault, DocumentSignal, DocumentStrategy, ReferenceDocument } from "./document.ts";
import { matchRows } from "./match-rows.ts";
import type { StoredRows, StoredSignal, StoredStrategy, StoredTicker } from "./stored-rows.ts";
import { wantedLists, type Wanted } from "./wanted-lists.ts";

/** The rows as a document wants them, with the ids they have or get; rows that it lacks stay unless they are removed. */
export function wantedRows(
  current: StoredRows,
  document: ReferenceDocument,
  options: WantedOptions,
): WantedRows {
  const tickers = wantedTickers(current, document, options);
  const signals = wantedSignals(current, document, options);
  const strategies = wantedStrategies(current, document, options);
  const lists = wantedLists(current, document, { signals, strategies, prune: options.prune });
  return {
    rows: {
      tickers: [...tickers.wanted, ...tickers.kept],
      signals: [...signals.wanted, ...signals.kept].toSorted(byId),
      strategies: [...strategies.wanted, ...strategies.kept].toSorted(byId),
      ...lists.rows,
    },
    kept: { tickers: tickers.kept, signals: signals.kept, strategies: strategies.kept },
    faults: [...tickers.faults, ...signals.faults, ...strategies.faults, ...lists.faults],
  };
}

export interface WantedOptions {
  /** Whether rows that the document lacks are removed. */
  readonly prune: boolean;
  /** Rows that are removed in any case, by name or symbol. */
  readonly removes?: readonly { readonly kind: DocumentKind; readonly name: string }[];
  /** Ids that rows have by their names, as in a state of before; then names say nothing about which row is meant. */
  readonly ids?: RowIds;
  readonly newIds: NewIds;
}

export interface RowIds {
  readonly signals: ReadonlyMap<string, number>;
  readonly strategies: ReadonlyMap<string, number>;
}

/** Where new rows have their ids from. */
export interface NewIds {
  /** The first that no row has had. */
  readonly next: { readonly signals: number; readonly strategies: number };
  /** Ids of rows that are no longer there, by name. */
  readonly former: RowIds;
}

export interface WantedRows {
  readonly rows: StoredRows;
  /** Rows that the document lacks and that stay. */
  readonly kept: Pick<StoredRows, DocumentKind>;
  readonly faults: readonly DocumentFault[];
}

function wantedTickers({ tickers }: StoredRows, document: ReferenceDocument, options: WantedOptions) {
  const { found, faults } = matchRows<StoredTicker>({
    what: "ticker",
    path: "tickers",
    entries: document.tickers.map(({ symbol, was }) => ({
      key: "symbol",
      name: symbolOf(symbol),
      was: was === undefined ? undefined : symbolOf(was),
    })),
    rows: [...effectiveTickers(tickers)].map(([name, row]) => ({ name, row })),
  });
  const wanted = document.tickers.map(({ symbol, status, trade_permission }, at): StoredTicker => {
    const normal = symbolOf(symbol);
    const stored = found[at]?.symbol;
    // Another spelling of the same symbol stays as it is.
    const kept = stored !== undefined && symbolIn(stored) === normal ? stored : normal;
    return { symbol: kept, status, trade_permission };
  });
  const hasSymbol = ({ symbol }: StoredTicker, name: string): boolean => symbolIn(symbol) === symbolOf(name);
  const kept = keptRows(tickers, found, { kind: "tickers", hasName: hasSymbol, options });
  return { wanted, faults, kept } satisfies Wanted<StoredTicker>;
}

function wantedSignals({ signals }: StoredRows, document: ReferenceDocument, options: WantedOptions) {
  const { found, faults } = matchRows<StoredSignal>({
    what: "signal",
    path: "signals",
    entries: document.signals.map(({ name, was }) => {
      return { key: "name", name, was, id: options.ids?.signals.get(name) };
    }),
    rows: signals.map((row) => ({ name: row.name, id: row.id, row })),
  });
  const idOf = idsFor("signals", signals, options);
  const wanted = document.signals.map((signal, at) => signalRow(signal, found[at], idOf));
  const kept = keptRows(signals, found, { kind: "signals", hasName: isNamed, options });
  return { wanted, faults, kept } satisfies Wanted<StoredSignal>;
}

function wantedStrategies({ strategies }: StoredRows, document: ReferenceDocument, options: WantedOptions) {
  const { found, faults } = matchRows<StoredStrategy>({
    what: "strategy",
    path: "strategies",
    entries: document.strategies.map(({ name, was }) => {
      return { key: "name", name, was, id: options.ids?.strategies.get(name) };
    }),
    rows: strategies.map((row) => ({ name: row.name, id: row.id, row })),
  });
  const idOf = idsFor("strategies", strategies, options);
  const wanted = document.strategies.map((strategy, at) => strategyRow(strategy, found[at], idOf));
  const kept = keptRows(strategies, found, { kind: "strategies", hasName: isNamed, options });
  return { wanted, faults, kept } satisfies Wanted<StoredStrategy>;
}

function isNamed(row: { readonly name: string }, name: string): boolean {
  return row.name === name;
}

/** The rows that no entry stands for and that are not removed. */
function keptRows<Row>(
  rows: readonly Row[],
  found: readonly (Row | undefined)[],
  { kind, hasName, options: { prune, removes = [] } }: Keeping<Row>,
): readonly Row[] {
  if (prune) return [];
  const matched = new Set(found);
  const isRemoved = (row: Row): boolean =>
    removes.some((each) => each.kind === kind && hasName(row, each.name));
  return rows.filter((row) => !matched.has(row) && !isRemoved(row));
}

interface Keeping<Row> {
  readonly kind: DocumentKind;
  readonly hasName: (row: Row, name: string) => boolean;
  readonly options: WantedOptions;
}

function idsFor(
  kind: "signals" | "strategies",
  rows: readonly { readonly id: number }[],
  { ids, newIds }: WantedOptions,
): (name: string) => number {
  const used = new Set(rows.map(({ id }) => id));
  let next = newIds.next[kind];
  return (name) => {
    const former = ids?.[kind].get(name) ?? newIds.former[kind].get(name);
    while (used.has(next)) next += 1;
    const id = former !== undefined && !used.has(former) ? former : next;
    used.add(id);
    return id;
  };
}

function signalRow(
  { name, long_phrase, short_phrase, source, enabled }: DocumentSignal,
  row: StoredSignal | undefined,
  idOf: (name: string) => number,
): StoredSignal {
  const phrase = (wanted: string | null, stored: string | null | undefined): string | null =>
    stored !== undefined && phraseIn(stored) === phraseIn(wanted) ? stored : phraseIn(wanted);
  return {
    id: row?.id ?? idOf(name),
    name,
    long_phrase: phrase(long_phrase, row?.long_phrase),
    short_phrase: phrase(short_phrase, row?.short_phrase),
    source,
    enabled,
  };
}

function strategyRow(
  strategy: DocumentStrategy,
  row: StoredStrategy | undefined,
  idOf: (name: string) => number,
): StoredStrategy {
  const { name, params } = strategy;
  const sameParams = row !== undefined && canonicalJson(row.params) === canonicalJson(params);
  return {
    id: row?.id ?? idOf(name),
    name,
    enabled: strategy.enabled,
    archived: strategy.archived,
    allow_open: strategy.allow_open,
    reverse: strategy.reverse,
    use_all_tickers: strategy.tickers === "all",
    handler: strategy.handler,
    params: sameParams ? row.params : params,
    signal_age_ms_max: strategy.signal_age_ms_max,
    shadow: strategy.shadow,
  };
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
