import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { RawReferenceRows, ReadTable } from "../../../shared/reference/reference.ts";
import { rowFaultText } from "../../../shared/reference/row-faults.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";
import { anyRows } from "../../arbitraries.ts";
import { referenceRows, rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../builders.ts";

const rows = rowsWithStrategies([strategyRow(10), strategyRow(20)], {
  strategy_tickers: [{ strategy_id: 10, symbol: "BTCUSDT" }],
});

/** The rows with one more in the table. */
const withRow = (table: ReadTable, row: object): RawReferenceRows => ({
  ...rows,
  [table]: [...rows[table], row],
});

const source = { name: "mine", enabled: true, format: "json", template: {}, uid: null };

const faultTexts = (raw: RawReferenceRows): string[] => buildReference(raw).faults.map(rowFaultText);

describe("a row that cannot be used", () => {
  test.each<[string, ReadTable, object, string]>([
    [
      "params that are a list",
      "strategies",
      strategyRow(2, { name: "Trend follower", params: ["s3cret"] as never }),
      "table strategies, row Trend follower (2), column params: a list instead of a JSON object that jsonb can hold; the strategy cannot run: its tasks fail as unusable_reference_row",
    ],
    [
      "an unknown word",
      "tickers",
      { symbol: "ETHUSDT", status: "on", trade_permission: "enabled" },
      'table tickers, row ETHUSDT, column status: "on" instead of enabled or disabled; the ticker counts as disabled: its signals are ignored as ticker_disabled',
    ],
    [
      "no id",
      "strategies",
      { ...strategyRow(2, { name: "Lost" }), id: null },
      "table strategies, row Lost (NULL), column id: NULL instead of a whole number from 1 to 2147483647 that only one row has; the strategy is left out: it gets no signal",
    ],
    [
      "a subscription without signal",
      "strategy_signals",
      { strategy_id: 10, signal_id: null },
      "table strategy_signals, row strategy strategy 10 (10) and signal NULL, column signal_id: NULL instead of a whole number from 1 to 2147483647; the subscription is left out: the strategy does not get the signal",
    ],
    [
      "an id beyond 2^53",
      "signals",
      { ...signalRow(2), id: 2 ** 53 },
      "table signals, row signal 2 (9007199254740992), column id: 9007199254740992 instead of a whole number from 1 to 2147483647; the signal is left out: its phrases are ignored as unknown_phrase",
    ],
  ])("(%s) is named with its table, row, column, value, and what is done", (_, table, row, text) => {
    expect(faultTexts(withRow(table, row))).toEqual([text]);
  });

  test("that is left out is named for that alone, however many of its values cannot be read", () => {
    const empty = Object.fromEntries(Object.keys(strategyRow(1)).map((column) => [column, null]));
    expect(faultTexts(withRow("strategies", empty))).toEqual([
      expect.stringMatching(/^table strategies, row NULL, column id: NULL .* the strategy is left out/),
    ]);
  });

  test.each<[string, unknown]>([
    ["a list", []],
    ["a number at symbol", { symbol: 7 }],
    ["a number at symbol.map.buy", { message: "{{a}}", symbol: { from: "{{s}}", map: { buy: 7 } } }],
    ["nothing at symbol.from", { symbol: { map: {} } }],
    ["a text at symbol.form", { symbol: { from: "{{s}}", form: "x" } }],
    ["a text at __proto__", JSON.parse('{"__proto__": "x"}')],
    ["a text that jsonb cannot hold", { symbol: "\0" }],
  ])("of webhook_sources is named with the place in its template (%s)", (value, template) => {
    const { content, faults } = buildReference(withRow("webhook_sources", { ...source, template }));
    expect(content.sources.size).toBe(0);
    expect(faults.map(rowFaultText)).toEqual([
      `table webhook_sources, row mine, column template: ${value} instead of a JSON object whose members are texts, or objects of \`from\`, \`map\` and \`default\`; the source is left out: its webhooks are refused`,
    ]);
  });

  test.each<[string, object, string]>([
    [
      "no time and no uid",
      { template: { message: "{{a}}", symbol: "{{b}}" } },
      "column template: template.time is missing",
    ],
    [
      "no symbol",
      { template: { message: "{{a}}", time: "{{c}}" } },
      "column template: template.symbol is missing",
    ],
    ["a broken path", { uid: "{{id" }, "column uid: uid it has {{ without }}"],
    ["the name of a built-in one", { name: "text" }, "row text, column name: name text is a built-in source"],
  ])("of webhook_sources that makes no signals is left out (%s)", (_, changes, expected) => {
    const template = { message: "{{a}}", symbol: "{{b}}", time: "{{c}}" };
    const { content, faults } = buildReference(
      withRow("webhook_sources", { ...source, template, ...changes }),
    );
    expect(content.sources.size).toBe(0);
    expect(faults.map(rowFaultText)).toEqual([
      expect.stringMatching(/instead of what makes one signal of each alert; the source is left out/),
    ]);
    expect(faults.map(rowFaultText)[0]).toContain(expected);
    expect(buildReference(withRow("webhook_sources", { ...source, template })).content.sources.size).toBe(1);
  });

  test.each([["BINANCE"], [[" "]], [["BINANCE:"]], [[null]], [7]])(
    "of tickers with exchanges %j has none, and is used",
    (exchanges) => {
      const raw = { ...rows, tickers: [{ ...tickerRow("BTCUSDT"), exchanges }] };
      const { content, faults } = buildReference(raw);
      expect(content.tickers.get("BTCUSDT")).toEqual({ status: "enabled", trade_permission: "enabled" });
      expect(faults).toMatchObject([{ table: "tickers", column: "exchanges" }]);
    },
  );

  test("lacks a column where that has a default", () => {
    const { exits: _, exit_age_ms_max: _age, ...strategy } = strategyRow(10);
    const { exchanges: _none, ...ticker } = tickerRow("BTCUSDT");
    const {
      exit_phrase: _exit,
      long_exit_phrase: _long,
      short_exit_phrase: _short,
      ...signal
    } = signalRow(1);
    const { ticker_aliases: _aliases, webhook_sources: _sources, ...old } = referenceRows();
    const raw = { ...old, strategies: [strategy], tickers: [ticker], signals: [signal] };
    expect(buildReference(raw)).toEqual(buildReference(referenceRows()));
  });

  test("shows nothing of what stands in params, but the kind of value", () => {
    for (const params of ["s3cret", ["s3cret"], 7, true, null, { a: "s3cret\0" }, { "s3cret\0": 1 }]) {
      const [fault, ...more] = faultTexts(withRow("strategies", { ...strategyRow(2), params }));
      expect(fault).toContain("column params: ");
      expect(fault).not.toMatch(/s3cret|7 instead|true instead/);
      expect(more).toEqual([]);
    }
  });

  test("of strategies is kept, cannot run, and trades as little as its readable columns allow", () => {
    const broken = { ...strategyRow(30), enabled: "yes", archived: null, allow_open: 1, reverse: null };
    const odd = { use_all_tickers: null, signal_age_ms_max: -1, shadow: "no", name: null, handler: 5 };
    const oddExits = { exits: "yes", exit_age_ms_max: 1.5 };
    const built = buildReference(
      rowsWithStrategies([strategyRow(10), { ...broken, ...odd, ...oddExits, params: [] } as never]),
    );
    expect(built.content.strategies.get(30)).toEqual({
      id: 30,
      name: "strategy 30",
      enabled: false,
      archived: true,
      allow_open: false,
      reverse: false,
      symbols: [],
      handler: "",
      params: {},
      signal_age_ms_max: 1,
      shadow: true,
      exit_age_ms_max: 1,
      faults: expect.arrayContaining([{ column: "params", value: "a list" }]),
    });
    expect(built.faults.map(({ column }) => column).toSorted()).toEqual(
      Object.keys(strategyRow(1))
        .filter((column) => column !== "id")
        .toSorted(),
    );
    expect(built.content.phrases.get("signal_1_long")?.strategy_ids).toEqual([10, 30]);
  });

  test("of strategies keeps its handler from a router that does not know of faults", () => {
    const { content } = buildReference(withRow("strategies", { ...strategyRow(30), params: [] }));
    expect(content.strategies.get(30)).toMatchObject({ enabled: true, handler: "", params: {} });
  });

  test.each([null, undefined, "", "Enabled", true, 1])(
    "of tickers with status %j counts as disabled",
    (word) => {
      const raw = { ...rows, tickers: [{ ...tickerRow("A"), status: word }, tickerRow("B")] };
      const { content } = buildReference(raw);
      expect(content.tickers.get("A")).toEqual({ status: "disabled", trade_permission: "enabled" });
      expect(content.tickers.get("B")?.status).toBe("enabled");
      const permission = { ...rows, tickers: [{ ...tickerRow("A"), trade_permission: word }] };
      expect(buildReference(permission).content.tickers.get("A")?.trade_permission).toBe("disabled");
    },
  );

  test.each<[ReadTable, object]>([
    ["tickers", { ...tickerRow("X"), symbol: null }],
    ["tickers", tickerRow(" .P")],
    ["tickers", tickerRow("X\0")],
    ["signals", { ...signalRow(2), id: "two" }],
    ["signals", { ...signalRow(2), long_phrase: 7 }],
    ["signals", { ...signalRow(2), short_phrase: ["GO"] }],
    ["signals", { ...signalRow(2), enabled: null }],
    ["signals", signalRow(2, { long_phrase: "GO\0" })],
    ["signals", { ...signalRow(2), long_exit_phrase: 7 }],
    ["ticker_aliases", { alias: "XBT", symbol: null }],
    ["ticker_aliases", { alias: " ", symbol: "BTCUSDT" }],
    ["webhook_sources", { ...source, name: "A" }],
    ["webhook_sources", { ...source, enabled: null }],
    ["webhook_sources", { ...source, format: "xml" }],
    ["webhook_sources", { ...source, uid: " " }],
    ["strategies", { ...strategyRow(30), id: 2_147_483_648 }],
    ["strategies", strategyRow(0)],
    ["strategies", strategyRow(-3)],
    ["signals", signalRow(-9)],
    ["strategy_signals", { strategy_id: 0, signal_id: 1 }],
    ["strategy_signals", { strategy_id: undefined, signal_id: 1 }],
    ["strategy_tickers", { strategy_id: 10, symbol: null }],
    ["strategy_tickers", { strategy_id: 1.5, symbol: "X" }],
  ])("of %s, %j, is left out, and everything else is as without it", (table, row) => {
    const [without, built] = [buildReference(rows), buildReference(withRow(table, row))];
    expect(built.content).toEqual(without.content);
    expect(built.faults).toMatchObject([{ table }]);
    expect(built.version).not.toBe(without.version);
  });
});

test("whole numbers may come as text, as drivers give bigint and numeric", () => {
  const raw = {
    ...rows,
    strategies: [{ ...strategyRow(10), id: "10", signal_age_ms_max: "5000" }, strategyRow(20)],
    strategy_signals: [{ strategy_id: "10", signal_id: "1" }, ...rows.strategy_signals.slice(1)],
  };
  const plain = rowsWithStrategies([strategyRow(10, { signal_age_ms_max: 5000 }), strategyRow(20)], {
    strategy_tickers: [...rows.strategy_tickers],
  });
  expect(buildReference(raw)).toEqual(buildReference(plain));
});

test("params that jsonb could not hold, or nested without end, are a fault and never an error", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`) as object;
  for (const params of [deep, { a: ["\uD800"] }, { "\0": 1 }, { a: Number.POSITIVE_INFINITY }]) {
    const { faults } = buildReference(withRow("strategies", { ...strategyRow(30), params }));
    expect(faults).toMatchObject([{ column: "params", value: "an object that jsonb cannot hold" }]);
  }
});

test("the name of a signal, which no decision needs, is no reason to leave it out", () => {
  const raw = { ...rows, signals: [{ ...signalRow(1), name: null }] };
  expect(buildReference(raw)).toEqual(buildReference(rows));
});

describe("the version", () => {
  test("changes when a row is mended without any effect on the content, and back", () => {
    const broken = withRow("strategy_tickers", { strategy_id: 10, symbol: null });
    expect(buildReference(broken).content).toEqual(buildReference(rows).content);
    expect(buildReference(broken).version).not.toBe(buildReference(rows).version);
  });

  test("of a reference without faults is the one that versions before had", () => {
    expect(buildReference(referenceRows()).version).toBe("ef0aa51492f2b935");
    expect(buildReference(referenceRows()).faults).toEqual([]);
  });

  test("depends on the number of faults also beyond those that are kept in full", () => {
    const many = (count: number) => ({
      ...rows,
      signals: [
        ...rows.signals,
        ...Array.from({ length: count }, (_, n) => ({ ...signalRow(n + 2), id: null })),
      ],
    });
    const versions = [30, 31].map((count) => buildReference(many(count)).version);
    expect(versions[0]).not.toBe(versions[1]);
  });
});

/** Any value that a column of a foreign table or view may give. */
const anyCell = fc.oneof(
  fc.constantFrom(null, undefined, "", " ", "on", "\0", "\uD800", "7", "99999999999999999999", NaN, 1.5, -1),
  fc.constantFrom(2 ** 31, 2 ** 53, true, false, [], {}, ["x"], { __proto__: null }, new Date(0), 10n),
  fc.jsonValue(),
);

test("whatever stands in one row, the others are used as without it, and the result is a snapshot", () => {
  const tables: ReadTable[] = ["tickers", "signals", "strategies", "strategy_signals", "strategy_tickers"];
  fc.assert(
    fc.property(
      anyRows,
      fc.constantFrom(...tables),
      fc.nat(),
      fc.nat(),
      anyCell,
      (good, table, r, c, cell) => {
        const list: readonly object[] = good[table];
        fc.pre(list.length > 0);
        const index = r % list.length;
        const columns = Object.keys(list[index] ?? {});
        const column = columns[c % columns.length] ?? "";
        // Another id may be that of another row.
        fc.pre(column !== "id");
        const changed = { ...list[index], [column]: cell };
        const built = buildReference({
          ...good,
          [table]: list.map((row, i) => (i === index ? changed : row)),
        });
        const snapshot = snapshotOf(built.version, built.content);
        const without = buildReference({ ...good, [table]: list.filter((_, i) => i !== index) });
        for (const [symbol, ticker] of without.content.tickers)
          if (table !== "tickers") expect(snapshot.tickers.get(symbol)).toEqual(ticker);
        for (const [id, strategy] of without.content.strategies)
          if (table !== "strategy_tickers") expect(built.content.strategies.get(id)).toEqual(strategy);
        // What rows say together may change with one of them.
        expect(built.faults.filter(({ rule }) => rule === undefined).length).toBeLessThanOrEqual(1);
        expect(JSON.stringify(built.faults)).toBe(JSON.stringify(JSON.parse(JSON.stringify(built.faults))));
      },
    ),
  );
});
