import { canonicalJson } from "../reference/reference-text.ts";
import { knownTickers, phraseIn } from "./document-of-rows.ts";
import type {
  DocumentFault,
  DocumentSignal,
  DocumentSource,
  DocumentStrategy,
  ReferenceDocument,
} from "./document.ts";
import { keptRows } from "./kept-rows.ts";
import { matchRows } from "./match-rows.ts";
import { phraseFaults, type PhraseField } from "./phrase-conflicts.ts";
import type { NamedRows, StoredRows, StoredSignal, StoredSource, StoredStrategy } from "./stored-rows.ts";
import { wantedAliases } from "./wanted-aliases.ts";
import { wantedLists, type Wanted } from "./wanted-lists.ts";
import type { WantedOptions } from "./wanted-options.ts";
import { wantedTickers } from "./wanted-tickers.ts";

/** The rows as a document wants them, with the ids they have or get; rows that it lacks stay unless they are removed. */
export function wantedRows(
  current: StoredRows,
  document: ReferenceDocument,
  options: WantedOptions,
): WantedRows {
  const tickers = wantedTickers(current, document.tickers, options);
  const signals = wantedSignals(current, document, options);
  const strategies = wantedStrategies(current, document, options);
  const { symbolOf } = tickers;
  const lists = wantedLists(current, document, { signals, strategies, symbolOf, prunes: options.prunes });
  const allTickers = [...tickers.wanted, ...tickers.kept];
  const { foreignSymbols } = options;
  const aliases = wantedAliases(current.ticker_aliases, document.aliases ?? [], {
    before: knownTickers(current, foreignSymbols),
    after: knownTickers({ ...current, tickers: allTickers }, foreignSymbols),
    moved: (symbol) => (foreignSymbols === undefined ? tickers.moved.get(symbol) : symbol),
    tickerPaths: new Map(
      document.tickers.map(({ symbol }, at) => [symbolOf(symbol), `tickers[${at}].symbol`]),
    ),
    options,
  });
  const sources = wantedSources(current, document.sources ?? [], options);
  const rows: StoredRows = {
    tickers: allTickers,
    signals: [...signals.wanted, ...signals.kept].toSorted(byId),
    strategies: [...strategies.wanted, ...strategies.kept].toSorted(byId),
    ...lists.rows,
    ticker_aliases: [...aliases.wanted, ...aliases.kept],
    webhook_sources: [...sources.wanted, ...sources.kept],
  };
  return {
    rows,
    kept: {
      tickers: tickers.kept,
      signals: signals.kept,
      strategies: strategies.kept,
      // What the document says nothing of is no surprise.
      aliases: document.aliases === undefined ? [] : aliases.kept,
      sources: document.sources === undefined ? [] : sources.kept,
    },
    faults: [
      ...[tickers, signals, strategies, lists, aliases, sources].flatMap(({ faults }) => faults),
      ...phraseFaults(current.signals, rows.signals, new Map(signals.wanted.map(({ id }, at) => [id, at]))),
    ],
  };
}

export interface WantedRows {
  readonly rows: StoredRows;
  /** Rows that the document lacks and that stay. */
  readonly kept: NamedRows;
  readonly faults: readonly DocumentFault[];
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

function wantedSources(
  { webhook_sources: stored }: StoredRows,
  entries: readonly DocumentSource[],
  options: WantedOptions,
): Wanted<StoredSource> {
  const { found, faults } = matchRows<StoredSource>({
    what: "source",
    path: "sources",
    entries: entries.map(({ name, was }) => ({ key: "name", name, was })),
    rows: stored.map((row) => ({ name: row.name, row })),
  });
  const wanted = entries.map(({ name, enabled, format, template, uid }, at): StoredSource => {
    const row = found[at];
    const isSame = row !== undefined && canonicalJson(row.template) === canonicalJson(template);
    return { name, enabled, format, template: isSame ? row.template : template, uid: phraseIn(uid) };
  });
  const kept = keptRows(stored, found, { kind: "sources", hasName: isNamed, options });
  return { wanted, faults, kept };
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
  signal: DocumentSignal,
  row: StoredSignal | undefined,
  idOf: (name: string) => number,
): StoredSignal {
  const { name, source, enabled } = signal;
  const phrase = (field: PhraseField): string | null => {
    const [wanted, stored] = [phraseIn(signal[field]), row?.[field]];
    return stored !== undefined && phraseIn(stored) === wanted ? stored : wanted;
  };
  return {
    id: row?.id ?? idOf(name),
    name,
    long_phrase: phrase("long_phrase"),
    short_phrase: phrase("short_phrase"),
    exit_phrase: phrase("exit_phrase"),
    long_exit_phrase: phrase("long_exit_phrase"),
    short_exit_phrase: phrase("short_exit_phrase"),
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
    exits: strategy.exits,
    exit_age_ms_max: strategy.exit_age_ms_max,
    shadow: strategy.shadow,
  };
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
