import * as z from "zod";
import type { SystemEvent } from "../events.ts";
import { foldPhrase, normaliseSymbol } from "../signal/signal.ts";
import { readRows } from "./read-rows.ts";
import { referenceText, versionOf } from "./reference-text.ts";
import {
  phraseSchema,
  strategySchema,
  tickerSchema,
  type Direction,
  type Phrase,
  type RawReferenceRows,
  type ReferenceContent,
  type ReferenceRows,
  type Strategy,
  type Ticker,
} from "./reference.ts";
import type { RowFault } from "./row-faults.ts";

/** A reference that can be published: its content, its version, and what a person should know about it. */
export interface BuiltReference {
  readonly content: ReferenceContent;
  /** 16 hex digits of a hash of the content and its faults: same content, same version. */
  readonly version: string;
  readonly warnings: readonly SystemEvent[];
  /** Everything in the rows that cannot be used; nothing but these rows is affected. */
  readonly faults: readonly RowFault[];
}

const SOURCE = "refresh-reference";

/** Builds the reference from Postgres' rows. The result depends on the rows alone, not on their order. */
export function buildReference(raw: RawReferenceRows): BuiltReference {
  const warnings: SystemEvent[] = [];
  const { rows, faults } = readRows(raw);
  const content: ReferenceContent = {
    tickers: tickersOf(rows, warnings),
    strategies: strategiesOf(rows),
    phrases: phrasesOf(rows, warnings),
    sources: new Map(),
  };
  return { content, version: versionOf(referenceText(content, faults)), warnings, faults };
}

/** The content as one JSON value, for `reference_snapshots`. */
export function contentJson(
  content: ReferenceContent,
): Record<"tickers" | "strategies" | "strategy_signals", unknown> {
  return {
    tickers: Object.fromEntries(content.tickers),
    strategies: Object.fromEntries(content.strategies),
    strategy_signals: Object.fromEntries(content.phrases),
  };
}

/** Not z.record, which drops a key named `__proto__`. */
const entriesOfObject = z
  .custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value))
  .transform((object): unknown => Object.entries(object));

const contentSchema = z.object({
  tickers: entriesOfObject.pipe(z.array(z.tuple([z.string(), tickerSchema]))),
  strategies: entriesOfObject.pipe(z.array(z.tuple([z.coerce.number().int(), strategySchema]))),
  strategy_signals: entriesOfObject.pipe(z.array(z.tuple([z.string(), phraseSchema]))),
});

/** The content that {@link contentJson} was made from, in the same order. @throws ZodError when the JSON is anything else */
export function contentFromJson(json: unknown): ReferenceContent {
  const { tickers, strategies, strategy_signals: phrases } = contentSchema.parse(json);
  return {
    tickers: sortedMap(tickers),
    strategies: sortedMap(strategies),
    phrases: sortedMap(phrases),
    sources: new Map(),
  };
}

function tickersOf(rows: ReferenceRows, warnings: SystemEvent[]): Map<string, Ticker> {
  const spellings = new Map<string, { symbol: string; ticker: Ticker }>();
  for (const { symbol, status, trade_permission } of rows.tickers.toSorted((a, b) =>
    compare(a.symbol, b.symbol),
  )) {
    const normal = normaliseSymbol(symbol);
    const other = spellings.get(normal);
    if (other !== undefined) {
      warnings.push(twoSpellings(normal, [other.symbol, symbol]));
      if (symbol !== normal) continue;
    }
    spellings.set(normal, { symbol, ticker: { status, trade_permission } });
  }
  return sortedMap([...spellings].map(([normal, { ticker }]) => [normal, ticker]));
}

function strategiesOf(rows: ReferenceRows): Map<number, Strategy> {
  const symbols = new Map<number, Set<string>>();
  for (const { strategy_id, symbol } of rows.strategy_tickers) {
    const list = symbols.get(strategy_id) ?? new Set();
    symbols.set(strategy_id, list.add(normaliseSymbol(symbol)));
  }
  return sortedMap(
    rows.strategies.map(({ use_all_tickers, ...strategy }): [number, Strategy] => [
      strategy.id,
      {
        ...strategy,
        symbols: use_all_tickers ? null : [...(symbols.get(strategy.id) ?? [])].toSorted(compare),
      },
    ]),
  );
}

interface Meaning {
  readonly signalId: number;
  readonly enabled: boolean;
  readonly direction: Direction;
  readonly phrase: string;
}

function phrasesOf(rows: ReferenceRows, warnings: SystemEvent[]): Map<string, Phrase> {
  const meanings = new Map<string, Meaning[]>();
  for (const signal of rows.signals.toSorted((a, b) => a.id - b.id)) {
    for (const direction of ["long", "short"] as const) {
      const phrase = signal[`${direction}_phrase`]?.trim() ?? "";
      if (phrase === "") continue;
      const folded = foldPhrase(phrase);
      const meaning: Meaning = { signalId: signal.id, enabled: signal.enabled, direction, phrase };
      meanings.set(folded, [...(meanings.get(folded) ?? []), meaning]);
    }
  }
  const subscribers = subscribersOf(rows);
  return sortedMap(
    [...meanings].map(([folded, all]): [string, Phrase] => [folded, phraseOf(all, subscribers, warnings)]),
  );
}

/** Enabled signals decide what a phrase means; disabled ones count only when no enabled one has the phrase. */
function phraseOf(
  meanings: readonly Meaning[],
  subscribers: ReadonlyMap<number, readonly number[]>,
  warnings: SystemEvent[],
): Phrase {
  const enabled = meanings.filter((meaning) => meaning.enabled);
  const used = enabled.length > 0 ? enabled : meanings;
  const signalIds = [...new Set(used.map((meaning) => meaning.signalId))].toSorted((a, b) => a - b);
  const strategyIds = [...new Set(signalIds.flatMap((id) => subscribers.get(id) ?? []))];
  const directions = new Set(used.map((meaning) => meaning.direction));
  const [first] = used;
  if (first === undefined) throw new Error("a phrase without a signal cannot be built");
  const ambiguous = directions.size > 1;
  if (enabled.length > 0 && ambiguous) warnings.push(ambiguousPhrase(first.phrase, signalIds));
  else if (enabled.length > 1) warnings.push(sharedPhrase(first.phrase, signalIds));
  return {
    phrase: first.phrase,
    state: enabled.length === 0 ? "disabled" : ambiguous ? "ambiguous" : "enabled",
    signal_id: first.signalId,
    signal_ids: signalIds,
    direction: ambiguous ? null : first.direction,
    strategy_ids: strategyIds.toSorted((a, b) => a - b),
  };
}

function subscribersOf(rows: ReferenceRows): Map<number, number[]> {
  const known = new Set(rows.strategies.map((strategy) => strategy.id));
  const subscribers = new Map<number, number[]>();
  for (const { signal_id, strategy_id } of rows.strategy_signals) {
    if (!known.has(strategy_id)) continue;
    subscribers.set(signal_id, [...(subscribers.get(signal_id) ?? []), strategy_id]);
  }
  return subscribers;
}

function twoSpellings(symbol: string, rows: readonly string[]): SystemEvent {
  return {
    level: "WARNING",
    source: SOURCE,
    message: `tickers ${rows.join(" and ")} are the same symbol ${symbol}; ${rows.includes(symbol) ? symbol : rows[0]} is used`,
    details: { symbol, rows },
    actionNeeded: true,
  };
}

function sharedPhrase(phrase: string, signalIds: readonly number[]): SystemEvent {
  return {
    level: "WARNING",
    source: SOURCE,
    message: `phrase ${phrase} belongs to signals ${signalIds.join(", ")}; the strategies of all of them are used, under signal ${signalIds[0]}`,
    details: { phrase, signal_ids: signalIds },
  };
}

function ambiguousPhrase(phrase: string, signalIds: readonly number[]): SystemEvent {
  return {
    level: "ERROR",
    source: SOURCE,
    message: `phrase ${phrase} stands for long and for short (signals ${signalIds.join(", ")}); it is not traded until one of these signals is changed or disabled`,
    details: { phrase, signal_ids: signalIds },
    actionNeeded: true,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortedMap<Key extends string | number, Value>(
  entries: readonly (readonly [Key, Value])[],
): Map<Key, Value> {
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
