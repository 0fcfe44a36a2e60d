import type { ReferenceContent } from "../reference/reference.ts";
import { namedId, rowFaultText, type RowFault } from "../reference/row-faults.ts";
import { newlySplit, splitTickers, splitTickerText } from "../reference/split-tickers.ts";
import type { UnusableStrategy } from "../unusable-strategy.ts";
import { hasName, storedSymbols } from "./document-of-rows.ts";
import { exitWarnings } from "./exit-warnings.ts";
import { exitConflict, phraseUses } from "./phrase-conflicts.ts";
import { groupedByStrategy, type StoredRows } from "./stored-rows.ts";
import type { WantedRows } from "./wanted-rows.ts";

/** What is odd in the rows after an edit, although it may be meant, as lines for people. */
export function editWarnings({ rows, kept }: WantedRows, facts: WarningFacts): readonly string[] {
  return [
    ...keptLines(kept),
    ...facts.unreadable.map((line) => `the document cannot express ${line}`),
    ...signalsWithoutStrategies(rows),
    ...sharedPhrases(rows),
    ...exitWarnings(facts.before, rows),
    ...newlySplit(splitTickers(facts.content.after), facts.content.before).map(splitTickerText),
    ...unknownTickers(rows),
    ...facts.faults.map(rowFaultText),
    ...facts.unusable.map(
      ({ strategyId, name, fault }) => `strategy ${namedId(name, `${strategyId}`)} cannot be run: ${fault}`,
    ),
  ];
}

export interface WarningFacts {
  /** Rows that no document can express, as they are now. */
  readonly unreadable: readonly string[];
  readonly before: StoredRows;
  readonly content: { readonly before: ReferenceContent; readonly after: ReferenceContent };
  /** Of the rows after the edit. */
  readonly faults: readonly RowFault[];
  /** Its strategies that could not be run, as far as is known. */
  readonly unusable: readonly UnusableStrategy[];
}

const NAMED_MAX = 10;

function keptLines({ tickers, signals, strategies, aliases, sources }: WantedRows["kept"]): string[] {
  const names = [
    ...tickers.map(({ symbol }) => `ticker ${symbol}`),
    ...signals.map(({ id, name }) => `signal ${namedId(name, `${id}`)}`),
    ...strategies.map(({ id, name }) => `strategy ${namedId(name, `${id}`)}`),
    ...aliases.map(({ alias }) => `alias ${alias}`),
    ...sources.map(({ name }) => `source ${name}`),
  ];
  if (names.length === 0) return [];
  const rows =
    names.length === 1
      ? "1 row that the document lacks stays"
      : `${names.length} rows that the document lacks stay`;
  return [`${rows}: ${listed(names)}; they are removed only with \`prune\``];
}

function signalsWithoutStrategies({ signals, strategy_signals: links }: StoredRows): string[] {
  const used = new Set(links.map(({ signal_id: id }) => id));
  return signals
    .filter((signal) => signal.enabled && hasName(signal) && !used.has(signal.id))
    .map(({ id, name }) => `signal ${namedId(name, `${id}`)} is enabled, and no strategy subscribes to it`);
}

function sharedPhrases({ signals }: StoredRows): string[] {
  return [...phraseUses(signals)].flatMap(([phrase, uses]) => {
    if (uses.length < 2) return [];
    // What contradicts an exit is a fault of its rows.
    if (exitConflict(phrase, uses) !== undefined) return [];
    const labels = [...new Set(uses.map(({ signal: { id, name } }) => namedId(name, `${id}`)))].join(", ");
    return new Set(uses.map(({ field }) => field)).size > 1
      ? [`phrase ${phrase} stands for long and for short (signals ${labels}): it is not traded`]
      : [`phrase ${phrase} is on several signals (${labels}): the strategies of all of them get it`];
  });
}

function unknownTickers({ tickers, strategies, strategy_tickers: lists }: StoredRows): string[] {
  const symbolOf = storedSymbols(tickers);
  const known = new Set(tickers.map(({ symbol }) => symbolOf(symbol)));
  const listsOf = groupedByStrategy(lists);
  return strategies.flatMap(({ id, name, use_all_tickers: usesAll }) => {
    const symbols = usesAll ? [] : (listsOf.get(id) ?? []).map(({ symbol }) => symbol);
    const unknown = symbols.filter((symbol) => !known.has(symbolOf(symbol)));
    return unknown.length === 0
      ? []
      : [
          `strategy ${namedId(name, `${id}`)} lists unknown tickers: ${listed(unknown)}; their signals are ignored`,
        ];
  });
}

function listed(names: readonly string[]): string {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `${names.slice(0, NAMED_MAX).join(", ")}${more}`;
}
