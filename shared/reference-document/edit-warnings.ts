import type { BuiltReference } from "../reference/build-reference.ts";
import { namedId, rowFaultText } from "../reference/row-faults.ts";
import { foldPhrase } from "../signal/signal.ts";
import type { UnusableStrategy } from "../unusable-strategy.ts";
import { hasName, phraseIn, symbolIn } from "./document-of-rows.ts";
import { groupedByStrategy, type StoredRows } from "./stored-rows.ts";
import type { WantedRows } from "./wanted-rows.ts";

/** What is odd in the rows after an edit, although it may be meant, as lines for people. */
export function editWarnings({ rows, kept }: WantedRows, facts: WarningFacts): readonly string[] {
  return [
    ...keptLines(kept),
    ...facts.unreadable.map((line) => `the document cannot express ${line}`),
    ...signalsWithoutStrategies(rows),
    ...sharedPhrases(rows),
    ...unknownTickers(rows),
    ...facts.built.faults.map(rowFaultText),
    ...facts.unusable.map(
      ({ strategyId, name, fault }) => `strategy ${namedId(name, `${strategyId}`)} cannot be run: ${fault}`,
    ),
  ];
}

export interface WarningFacts {
  /** Rows that no document can express, as they are now. */
  readonly unreadable: readonly string[];
  /** Of the rows after the edit. */
  readonly built: BuiltReference;
  /** Its strategies that could not be run, as far as is known. */
  readonly unusable: readonly UnusableStrategy[];
}

const NAMED_MAX = 10;

function keptLines({ tickers, signals, strategies }: WantedRows["kept"]): string[] {
  const names = [
    ...tickers.map(({ symbol }) => `ticker ${symbol}`),
    ...signals.map(({ id, name }) => `signal ${namedId(name, `${id}`)}`),
    ...strategies.map(({ id, name }) => `strategy ${namedId(name, `${id}`)}`),
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
  const users = new Map<string, { readonly label: string; readonly direction: "long" | "short" }[]>();
  for (const { id, name, enabled, ...phrases } of signals) {
    if (!enabled) continue;
    for (const direction of ["long", "short"] as const) {
      const phrase = phraseIn(phrases[`${direction}_phrase`]);
      if (phrase === null) continue;
      const folded = foldPhrase(phrase);
      const use = { label: namedId(name, `${id}`), direction };
      users.set(folded, [...(users.get(folded) ?? []), use]);
    }
  }
  return [...users].flatMap(([phrase, uses]) => {
    if (uses.length < 2) return [];
    const labels = [...new Set(uses.map(({ label }) => label))].join(", ");
    return new Set(uses.map(({ direction }) => direction)).size > 1
      ? [`phrase ${phrase} stands for long and for short (signals ${labels}): it is not traded`]
      : [`phrase ${phrase} is on several signals (${labels}): the strategies of all of them get it`];
  });
}

function unknownTickers({ tickers, strategies, strategy_tickers: lists }: StoredRows): string[] {
  const known = new Set(tickers.map(({ symbol }) => symbolIn(symbol)));
  const listsOf = groupedByStrategy(lists);
  return strategies.flatMap(({ id, name, use_all_tickers: usesAll }) => {
    const symbols = usesAll ? [] : (listsOf.get(id) ?? []).map(({ symbol }) => symbol);
    const unknown = symbols.filter((symbol) => !known.has(symbolIn(symbol)));
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
