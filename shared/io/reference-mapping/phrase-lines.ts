import type { Direction, ReferenceRows, SignalRow, StrategyRow } from "../../reference/reference.ts";
import { namedId } from "../../reference/row-faults.ts";
import { foldPhrase } from "../../signal/signal.ts";
import { listed } from "./listed.ts";

/**
 * Phrases that reach other strategies than before. Of several enabled signals with one phrase the old router found only the one
 * with the lowest id, and it dropped what was in lower case; this router unites them, and trades no phrase with both directions.
 * Signals and strategies have to be in the order of their ids.
 */
export function phraseLines(rows: ReferenceRows): string[] {
  const meanings = meaningsIn(rows);
  return [...meanings.values()].flatMap((all) => linesOf(all, rows));
}

/** Whether a signal can be dispatched to it, as far as its switches say. */
export function isActive({ enabled, archived, allow_open, reverse, faults }: StrategyRow): boolean {
  return enabled && !archived && (allow_open || reverse) && faults === undefined;
}

interface Meaning {
  readonly signal: SignalRow;
  readonly direction: Direction;
  /** As it is written in the row. */
  readonly phrase: string;
}

/** What enabled signals mean by each phrase, by ascending id. */
function meaningsIn({ signals }: ReferenceRows): Map<string, Meaning[]> {
  const meanings = new Map<string, Meaning[]>();
  for (const signal of signals) {
    for (const direction of ["long", "short"] as const) {
      const phrase = signal[`${direction}_phrase`]?.trim() ?? "";
      if (phrase === "" || !signal.enabled) continue;
      const folded = foldPhrase(phrase);
      meanings.set(folded, [...(meanings.get(folded) ?? []), { signal, direction, phrase }]);
    }
  }
  return meanings;
}

function linesOf(meanings: readonly Meaning[], rows: ReferenceRows): string[] {
  const before = meanings.find(({ phrase }) => phrase === phrase.toUpperCase());
  const [first] = meanings;
  if (first === undefined || (meanings.length === 1 && before !== undefined)) return [];
  const ambiguous = new Set(meanings.map(({ direction }) => direction)).size > 1;
  const now = ambiguous ? [] : subscribers(meanings, rows);
  const had = before === undefined ? [] : subscribers([before], rows);
  const labels = (strategies: readonly StrategyRow[]): string =>
    strategies.length === 0
      ? "none that is active"
      : listed(strategies.map(({ id, name }) => namedId(name, String(id))));
  const phrases = [...new Set(meanings.map(({ phrase }) => phrase))].join(", ");
  const reached =
    before === undefined
      ? "dropped, since it is written in lower case"
      : `reached only ${signalText(before)}`;
  return [
    `${phrases}: ${meanings.map(meaningText).join(" and ")}`,
    `  before: ${reached}`,
    ...(ambiguous
      ? [
          "  now: both directions, so it is not traded (ambiguous_phrase) until one of these is changed or disabled",
          `  get less than before: ${labels(without(had, now))}`,
        ]
      : [
          `  now: ${meanings.length > 1 ? "the strategies of all of them" : "its strategies"} get it`,
          `  get more than before: ${labels(without(now, had))}`,
        ]),
  ];
}

/** Active strategies that subscribe to one of the signals, by ascending id. */
function subscribers(
  meanings: readonly Meaning[],
  { strategies, strategy_signals }: ReferenceRows,
): StrategyRow[] {
  const signals = new Set(meanings.map(({ signal }) => signal.id));
  const ids = new Set(
    strategy_signals.flatMap(({ strategy_id, signal_id }) => (signals.has(signal_id) ? [strategy_id] : [])),
  );
  return strategies.filter((strategy) => ids.has(strategy.id) && isActive(strategy));
}

function without(strategies: readonly StrategyRow[], others: readonly StrategyRow[]): StrategyRow[] {
  const ids = new Set(others.map(({ id }) => id));
  return strategies.filter(({ id }) => !ids.has(id));
}

function meaningText({ signal, direction }: Meaning): string {
  return `${direction} in signal ${namedId(signal.name, String(signal.id))}`;
}

function signalText({ signal, direction }: Meaning): string {
  return `${namedId(signal.name, String(signal.id))}, as ${direction}`;
}
