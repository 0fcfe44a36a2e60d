import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import { resolveSignal } from "../../../shared/decide/resolve-symbol.ts";
import { documentOf } from "../../../shared/reference-document/document-of-rows.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import type { StoredRows } from "../../../shared/reference-document/stored-rows.ts";
import { isEmptyDiff } from "../../../shared/reference-document/table-diff.ts";
import { symbolsAmong } from "../../../shared/reference-document/ticker-symbols.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { contextFrom, entryFrom, NOW, signalFields } from "../../builders.ts";
import { exactly, plan, stored } from "./plan-fixture.ts";

const names = fc.constantFrom("A", "B", "C", "D");
const symbols = fc.constantFrom("BTCUSDT", "BTCUSDT.P", "ETHUSDT");
const TEMPLATE = { message: "{{m}}", symbol: "{{s}}", time: "{{t}}" };
const switches = fc.constantFrom("enabled" as const, "disabled" as const);
const mostly = (value: boolean) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(!value) });
const documents: fc.Arbitrary<ReferenceDocument> = fc
  .record({
    tickers: fc.uniqueArray(
      fc.record({
        symbol: symbols,
        status: switches,
        trade_permission: switches,
        exchanges: fc.constantFrom(null, "*" as const, ["BINANCE"]),
      }),
      {
        selector: ({ symbol }) => symbol,
      },
    ),
    signals: fc.uniqueArray(
      fc.record({
        name: names,
        long_phrase: fc.constantFrom(null, "GO", "UP"),
        short_phrase: fc.constantFrom(null, "GO", "DOWN"),
        exit_phrase: fc.constantFrom(null, "OUT"),
        long_exit_phrase: fc.constantFrom(null, "OUT OF LONG"),
        short_exit_phrase: fc.constant(null),
        source: fc.constantFrom(null, "desk"),
        enabled: mostly(true),
      }),
      { selector: ({ name }) => name, minLength: 1 },
    ),
    strategies: fc.uniqueArray(
      fc.record({
        name: names,
        signals: fc.uniqueArray(names),
        tickers: fc.oneof(fc.constant("all" as const), fc.uniqueArray(symbols)),
        handler: fc.constantFrom("log", "webhook"),
        params: fc.constantFrom({}, { quantity: 1 }, { quantity: 2 }),
        enabled: mostly(true),
        archived: mostly(false),
        allow_open: fc.boolean(),
        reverse: fc.boolean(),
        signal_age_ms_max: fc.constantFrom(null, 0, 60_000),
        exits: fc.boolean(),
        exit_age_ms_max: fc.constantFrom(null, 0, 60_000),
        shadow: mostly(false),
      }),
      { selector: ({ name }) => name },
    ),
    aliases: fc.uniqueArray(
      fc.record({ alias: fc.constantFrom("XBT", "BINANCE:BTCUSDT"), symbol: symbols }),
      { selector: ({ alias }) => alias },
    ),
    sources: fc.constantFrom(
      [],
      [{ name: "own", enabled: true, format: "json" as const, template: TEMPLATE, uid: null }],
    ),
  })
  .map((made) => {
    const known = new Set(made.signals.map(({ name }) => name));
    const listed = new Set(made.tickers.map(({ symbol }) => symbol));
    return {
      ...made,
      strategies: made.strategies.map((one) => ({
        ...one,
        signals: one.signals.filter((name) => known.has(name)),
        tickers: listOf(one.tickers, made.tickers),
      })),
      aliases: made.aliases.filter(({ symbol }) => listed.has(symbol)),
    };
  });

/** Each ticker once: a `.P` is one of its own only beside the other. */
function listOf(list: "all" | readonly string[], tickers: ReferenceDocument["tickers"]) {
  if (list === "all") return list;
  const symbolOf = symbolsAmong(tickers.map(({ symbol }) => symbol));
  return [...new Set(list.map(symbolOf))];
}

/** Order says nothing, and a ticker has one spelling. */
const sorted = ({ tickers, signals, strategies, aliases = [], sources = [] }: ReferenceDocument) => {
  const symbolOf = symbolsAmong(tickers.map(({ symbol }) => symbol));
  return {
    tickers: tickers.map((one) => ({ ...one, symbol: symbolOf(one.symbol) })).toSorted(by("symbol")),
    signals: signals.toSorted(by("name")),
    strategies: strategies
      .map((one) => ({
        ...one,
        signals: one.signals.toSorted(),
        tickers: one.tickers === "all" ? ("all" as const) : one.tickers.toSorted(),
      }))
      .toSorted(by("name")),
    aliases: aliases.map((one) => ({ ...one, symbol: symbolOf(one.symbol) })).toSorted(by("alias")),
    sources: sources.toSorted(by("name")),
  };
};

function by<Key extends string>(key: Key) {
  return (a: Readonly<Record<Key, string>>, b: Readonly<Record<Key, string>>) => (a[key] < b[key] ? -1 : 1);
}

const SIGNALS = ["GO", "UP", "DOWN", "OUT", "OUT OF LONG"].flatMap((message) =>
  ["BTCUSDT", "BTCUSDT.P", "XBT", "BINANCE:BTCUSDT"].flatMap((symbol) =>
    [1_000, 100_000].map((age) => {
      const parsed = parseSignal(entryFrom(signalFields({ message, symbol }), { at: NOW - age }), NOW);
      if (parsed.status !== "valid") throw new Error("the signal is not valid");
      return { made: parsed.signal, name: `${message} ${symbol} ${age}` };
    }),
  ),
);
const CONTEXT = contextFrom();

/** Strategy, direction and signal of everything that would be dispatched. */
function dispatched(rows: StoredRows): Set<string> {
  const { version, content } = buildReference(rows);
  const context = { ...CONTEXT, snapshot: snapshotOf(version, content) };
  const found = SIGNALS.flatMap(({ made, name }) => {
    const { direction, outcomes } = decide(resolveSignal(made, context.snapshot), context);
    return outcomes.flatMap(({ strategy_id: id, status }) =>
      status === "dispatched" ? [`${id} ${direction} ${name}`] : [],
    );
  });
  return new Set(found);
}

describe("any document", () => {
  test("leaves exactly that reference when others are pruned, keeps the ids of names, and says nothing twice", () => {
    fc.assert(
      fc.property(documents, documents, (first, second) => {
        const rows = stored(first);
        const edit = plan(rows, second, { prune: true });
        expect(edit.faults).toEqual([]);
        expect(sorted(documentOf(exactly(edit.rows)).document)).toEqual(sorted(second));
        const idsOf = (all: StoredRows) => new Map(all.strategies.map(({ id, name }) => [name, id]));
        const before = idsOf(rows);
        for (const [name, id] of idsOf(edit.rows)) expect(id).toBe(before.get(name) ?? id);
        const again = plan(edit.rows, second, { prune: true });
        expect(again).toMatchObject({ changes: [], willTradeMore: [] });
        expect(isEmptyDiff(again.diff)).toBe(true);
        expect(isEmptyDiff(edit.diff)).toBe(edit.changes.length === 0);
      }),
    );
  });

  test("makes nothing trade that does not now without saying so, whatever one thing it changes", () => {
    fc.assert(
      fc.property(documents, documents, (first, second) => {
        const rows = stored(first);
        const now = dispatched(rows);
        for (const changed of [second, ...changedInOne(first, second)]) {
          const edit = plan(rows, changed, { prune: true });
          const more = [...dispatched(edit.rows)].filter((one) => !now.has(one));
          if (more.length > 0) expect(edit.willTradeMore).not.toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** The first document, each time with one list, or one field of all its strategies, as in the second. */
function changedInOne(first: ReferenceDocument, second: ReferenceDocument): ReferenceDocument[] {
  const [other] = second.strategies;
  const known = new Set(first.signals.map(({ name }) => name));
  const signals = second.signals.filter(({ name }) => known.has(name));
  const rest = first.signals.filter(({ name }) => signals.every((one) => one.name !== name));
  const fields = Object.entries(other ?? {}).filter(([field]) => field !== "name");
  return [
    { ...first, tickers: second.tickers },
    { ...first, signals: [...signals, ...rest] },
    { ...first, aliases: second.aliases ?? [] },
    ...fields.map(([field, value]: [string, unknown]) => ({
      ...first,
      strategies: first.strategies.map((one) => {
        const changed = { ...one, [field]: value };
        return { ...changed, signals: changed.signals.filter((name) => known.has(name)) };
      }),
    })),
  ];
}
