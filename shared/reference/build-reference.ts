import * as z from "zod";
import type { SystemEvent } from "../events.ts";
import { sourceFaults, type SourceFault } from "../source-faults.ts";
import { excerpt, storable } from "../text.ts";
import { phrasesOf } from "./phrase-meanings.ts";
import { readRows } from "./read-rows.ts";
import { compareTexts, referenceText, sortedMap, versionOf } from "./reference-text.ts";
import {
  phraseSchema,
  strategySchema,
  tickerSchema,
  type RawReferenceRows,
  type ReferenceContent,
  type ReferenceRows,
  type Strategy,
} from "./reference.ts";
import { keyText, rowFault, sortedFaults, type RowFault } from "./row-faults.ts";
import { tickersOf, tickerSymbols, type TickerSymbols } from "./ticker-symbols.ts";
import { webhookSourceSchema, type WebhookSource } from "./webhook-source.ts";

/** A reference that can be published: its content, its version, and what a person should know about it. */
export interface BuiltReference {
  readonly content: ReferenceContent;
  /** 16 hex digits of a hash of the content and its faults: same content, same version. */
  readonly version: string;
  readonly warnings: readonly SystemEvent[];
  /** Everything in the rows that cannot be used; nothing but these rows is affected. */
  readonly faults: readonly RowFault[];
}

/** Builds the reference from Postgres' rows. The result depends on the rows alone, not on their order. */
export function buildReference(raw: RawReferenceRows): BuiltReference {
  const read = readRows(raw);
  const symbols = tickerSymbols(raw);
  const { tickers, ...ofTickers } = tickersOf(read.rows, symbols);
  const { phrases, ...ofPhrases } = phrasesOf(read.rows, raw);
  const { sources, ...ofSources } = sourcesOf(read.rows);
  const content: ReferenceContent = {
    tickers,
    strategies: strategiesOf(read.rows, symbols),
    phrases,
    sources,
  };
  const faults = sortedFaults([
    ...read.faults,
    ...ofTickers.faults,
    ...ofPhrases.faults,
    ...ofSources.faults,
  ]);
  const warnings = [...ofTickers.warnings, ...ofPhrases.warnings];
  return { content, version: versionOf(referenceText(content, faults)), warnings, faults };
}

/** The content as one JSON value, for `reference_snapshots`. */
export function contentJson(content: ReferenceContent): ContentJson {
  const { tickers, strategies, phrases, sources } = content;
  return {
    tickers: Object.fromEntries(tickers),
    strategies: Object.fromEntries(strategies),
    strategy_signals: Object.fromEntries(phrases),
    ...(sources.size === 0 ? {} : { sources: Object.fromEntries(sources) }),
  };
}

interface ContentJson {
  readonly tickers: object;
  readonly strategies: object;
  readonly strategy_signals: object;
  /** Absent: none. */
  readonly sources?: object;
}

/** Not z.record, which drops a key named `__proto__`. */
const entriesOfObject = z
  .custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value))
  .transform((object): unknown => Object.entries(object));

const contentSchema = z.object({
  tickers: entriesOfObject.pipe(z.array(z.tuple([z.string(), tickerSchema]))),
  strategies: entriesOfObject.pipe(z.array(z.tuple([z.coerce.number().int(), strategySchema]))),
  strategy_signals: entriesOfObject.pipe(z.array(z.tuple([z.string(), phraseSchema]))),
  sources: entriesOfObject.pipe(z.array(z.tuple([z.string(), webhookSourceSchema]))).default([]),
});

/** The content that {@link contentJson} was made from, in the same order. @throws ZodError when the JSON is anything else */
export function contentFromJson(json: unknown): ReferenceContent {
  const { tickers, strategies, strategy_signals: phrases, sources } = contentSchema.parse(json);
  return {
    tickers: sortedMap(tickers),
    strategies: sortedMap(strategies),
    phrases: sortedMap(phrases),
    sources: sortedMap(sources),
  };
}

function strategiesOf(rows: ReferenceRows, { keyOf }: TickerSymbols): Map<number, Strategy> {
  const symbols = new Map<number, Set<string>>();
  for (const { strategy_id, symbol } of rows.strategy_tickers) {
    const list = symbols.get(strategy_id) ?? new Set();
    symbols.set(strategy_id, list.add(keyOf(symbol)));
  }
  return sortedMap(
    rows.strategies.map(({ use_all_tickers, exits, exit_age_ms_max, ...strategy }): [number, Strategy] => [
      strategy.id,
      {
        ...strategy,
        symbols: use_all_tickers ? null : [...(symbols.get(strategy.id) ?? [])].toSorted(compareTexts),
        ...(exits ? { exits } : {}),
        ...(exit_age_ms_max === null ? {} : { exit_age_ms_max }),
      },
    ]),
  );
}

/** Those that make one signal of each alert: a row written by SQL may lack a time, and trade what is sent again twice. */
function sourcesOf({ webhook_sources }: ReferenceRows): {
  readonly sources: Map<string, WebhookSource>;
  readonly faults: readonly RowFault[];
} {
  const sources: [string, WebhookSource][] = [];
  const faults: RowFault[] = [];
  for (const { name, uid, ...others } of webhook_sources) {
    const source = { ...others, ...(uid === null ? {} : { uid }) };
    const [found] = sourceFaults(source, name);
    if (found === undefined) sources.push([name, source]);
    else faults.push(unusableSource(name, found));
  }
  return { sources: sortedMap(sources), faults };
}

function unusableSource(name: string, { path, message }: SourceFault): RowFault {
  const [column = ""] = path.split(".", 1);
  const value = excerpt(storable(`${path} ${message}`));
  return rowFault({ table: "webhook_sources", row: keyText(name), column, value, rule: "makes_signals" });
}
