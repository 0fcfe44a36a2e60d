import { excerpt, printable } from "../text.ts";
import type { DocumentKind } from "./document-fields.ts";
import { hasName } from "./document-of-rows.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";
import { groupedByStrategy, type StoredRows, type StoredSignal, type StoredStrategy } from "./stored-rows.ts";
import { isSymbol, type SymbolOf } from "./ticker-symbols.ts";

/** The subscriptions and lists of symbols that a document wants; those of strategies that stay are left as they are. */
export function wantedLists(
  current: StoredRows,
  document: ReferenceDocument,
  { signals, strategies, symbolOf, prunes }: ListParts,
): {
  readonly rows: Pick<StoredRows, "strategy_signals" | "strategy_tickers">;
  readonly faults: DocumentFault[];
} {
  const faults: DocumentFault[] = [];
  const links: { strategy_id: number; signal_id: number }[] = [];
  const lists: { strategy_id: number; symbol: string }[] = [];
  const idByName = new Map([...signals.kept, ...signals.wanted].map(({ name, id }) => [name, id]));
  const remaining = new Set([...signals.kept, ...signals.wanted].map(({ id }) => id));
  const unnamed = new Set(signals.kept.filter((signal) => !hasName(signal)).map(({ id }) => id));
  const linksOf = groupedByStrategy(current.strategy_signals);
  const listsOf = groupedByStrategy(current.strategy_tickers);
  const hadAll = new Set(current.strategies.flatMap((row) => (row.use_all_tickers ? [row.id] : [])));

  for (const [at, { id, use_all_tickers: usesAll }] of strategies.wanted.entries()) {
    const { signals: names = [], tickers = "all" } = document.strategies[at] ?? {};
    const wanted = new Set<number>();
    for (const [index, name] of names.entries()) {
      const signalId = idByName.get(name);
      if (signalId !== undefined) wanted.add(signalId);
      else faults.push({ path: `strategies[${at}].signals[${index}]`, message: unknownSignal(name) });
    }
    // A document cannot speak of a signal without a name.
    for (const { signal_id } of linksOf.get(id) ?? []) if (unnamed.has(signal_id)) wanted.add(signal_id);
    links.push(...[...wanted].map((signal_id) => ({ strategy_id: id, signal_id })));

    const stored = listsOf.get(id) ?? [];
    if (tickers === "all") {
      // Nothing reads them; an operator who wrote them beside `use_all_tickers` finds them again.
      if (usesAll && hadAll.has(id)) lists.push(...stored);
      continue;
    }
    const symbols = new Set<string>();
    for (const [index, text] of tickers.entries()) {
      const symbol = symbolOf(text);
      if (symbols.has(symbol))
        faults.push({ path: `strategies[${at}].tickers[${index}]`, message: sameTicker(text, symbol) });
      symbols.add(symbol);
    }
    const kept = stored.filter((row) =>
      isSymbol(row.symbol) ? symbols.has(symbolOf(row.symbol)) : !prunes.has("strategies"),
    );
    const present = new Set(kept.map(({ symbol }) => symbolOf(symbol)));
    const added = [...symbols].filter((symbol) => !present.has(symbol));
    lists.push(...kept, ...added.map((symbol) => ({ strategy_id: id, symbol })));
  }
  for (const { id } of strategies.kept) {
    links.push(...(linksOf.get(id) ?? []).filter(({ signal_id }) => remaining.has(signal_id)));
    lists.push(...(listsOf.get(id) ?? []));
  }
  return { rows: { strategy_signals: links, strategy_tickers: lists }, faults };
}

interface ListParts {
  readonly signals: Wanted<StoredSignal>;
  readonly strategies: Wanted<StoredStrategy>;
  /** Names tickers as they are after the edit. */
  readonly symbolOf: SymbolOf;
  readonly prunes: ReadonlySet<DocumentKind>;
}

function unknownSignal(name: string): string {
  return `there is no signal ${JSON.stringify(name)}: correct the name, or add the signal under \`signals\``;
}

function sameTicker(text: string, symbol: string): string {
  return `${JSON.stringify(printable(excerpt(text)))} is ticker ${symbol}, which is in this list already: keep one of them. It is a ticker of its own only where both are listed under \`tickers\``;
}

/** Rows of one table: those of the document, in its order, and those that it lacks and that stay. */
export interface Wanted<Row> {
  readonly wanted: readonly Row[];
  readonly kept: readonly Row[];
  readonly faults: readonly DocumentFault[];
}
