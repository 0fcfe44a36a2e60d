import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReference, contentJson } from "../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { phraseSchema, strategySchema, tickerSchema } from "../../../shared/reference/reference.ts";
import { referenceRows, rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../builders.ts";
import { widerRows } from "../../wider-references.ts";

const phrase = (rows: ReferenceRows, folded: string) => buildReference(rows).content.phrases.get(folded);
const signals = (...rows: ReferenceRows["signals"]) =>
  rowsWithStrategies([strategyRow(10), strategyRow(20), strategyRow(30)], {
    signals: rows,
    strategy_signals: [
      { strategy_id: 20, signal_id: 1 },
      { strategy_id: 10, signal_id: 1 },
      { strategy_id: 30, signal_id: 2 },
      { strategy_id: 20, signal_id: 2 },
    ],
  });

test("rows become tickers, strategies and phrases", () => {
  const rows = rowsWithStrategies(
    [strategyRow(20, { use_all_tickers: false }), strategyRow(10, { params: { lots: 2 } })],
    {
      tickers: [
        tickerRow("ETHUSDT", { status: "disabled" }),
        tickerRow(" btcusdt.p", { trade_permission: "disabled" }),
      ],
      signals: [signalRow(1, { short_phrase: null })],
      strategy_tickers: [
        { strategy_id: 20, symbol: "ETHUSDT" },
        { strategy_id: 20, symbol: "btcusdt.P" },
        { strategy_id: 10, symbol: "ETHUSDT" },
      ],
    },
  );
  const { use_all_tickers: _all, ...ten } = strategyRow(10, { params: { lots: 2 } });
  const { use_all_tickers: _some, ...twenty } = strategyRow(20);
  const { content, warnings } = buildReference(rows);
  expect(warnings).toEqual([]);
  expect([...content.tickers]).toEqual([
    ["BTCUSDT", { status: "enabled", trade_permission: "disabled" }],
    ["ETHUSDT", { status: "disabled", trade_permission: "enabled" }],
  ]);
  expect([...content.strategies]).toEqual([
    [10, { ...contentOf(ten), symbols: null }],
    [20, { ...contentOf(twenty), symbols: ["BTCUSDT", "ETHUSDT"] }],
  ]);
  expect([...content.phrases]).toEqual([
    [
      "signal_1_long",
      {
        phrase: "SIGNAL_1_LONG",
        state: "enabled",
        signal_id: 1,
        signal_ids: [1],
        direction: "long",
        strategy_ids: [10, 20],
      },
    ],
  ]);
});

/** What is left out of the content at its default. */
function contentOf({ exits: _exits, exit_age_ms_max: _ageMax, ...rest }: object & Record<string, unknown>) {
  return rest;
}

test("a strategy limited to tickers, none of them listed, may trade none", () => {
  const rows = rowsWithStrategies([strategyRow(10, { use_all_tickers: false })]);
  expect(buildReference(rows).content.strategies.get(10)?.symbols).toEqual([]);
});

test("a blank phrase is none", () => {
  const rows = referenceRows({ signals: [signalRow(1, { long_phrase: "", short_phrase: " \t" })] });
  expect([...buildReference(rows).content.phrases]).toEqual([]);
});

test("a subscription of a missing strategy is left out", () => {
  const rows = referenceRows({ strategy_signals: [{ strategy_id: 99, signal_id: 1 }] });
  expect(phrase(rows, "signal_1_long")?.strategy_ids).toEqual([]);
});

describe("one phrase on several signals", () => {
  const first = signalRow(1, { long_phrase: "GO" });
  const second = signalRow(2, { long_phrase: " go " });

  test("of the same direction has the strategies of all under the lowest id, with a warning", () => {
    const { content, warnings } = buildReference(signals(second, first));
    expect(content.phrases.get("go")).toEqual({
      phrase: "GO",
      state: "enabled",
      signal_id: 1,
      signal_ids: [1, 2],
      direction: "long",
      strategy_ids: [10, 20, 30],
    });
    expect(warnings).toMatchObject([
      {
        level: "WARNING",
        message: expect.stringContaining("GO belongs to signals 1, 2"),
        details: { signal_ids: [1, 2] },
      },
    ]);
  });

  test("of both directions is unusable, an error for a person", () => {
    const opposite = signalRow(2, { long_phrase: null, short_phrase: "go" });
    const { content, warnings } = buildReference(signals(first, opposite));
    expect(content.phrases.get("go")).toMatchObject({
      state: "ambiguous",
      direction: null,
      strategy_ids: [10, 20, 30],
    });
    expect(warnings).toMatchObject([{ level: "ERROR", actionNeeded: true, details: { phrase: "GO" } }]);
  });

  test("is ambiguous on a single signal too", () => {
    expect(phrase(signals(signalRow(1, { long_phrase: "GO", short_phrase: "go" })), "go")).toMatchObject({
      state: "ambiguous",
      signal_ids: [1],
    });
  });

  test.each([
    ["of the same direction", { long_phrase: "go", enabled: false }],
    ["of the other direction", { long_phrase: null, short_phrase: "go", enabled: false }],
  ])("ignores a disabled one %s", (_direction, changes) => {
    const { content, warnings } = buildReference(signals(first, signalRow(2, changes)));
    expect(warnings).toEqual([]);
    expect(content.phrases.get("go")).toMatchObject({
      state: "enabled",
      signal_ids: [1],
      strategy_ids: [10, 20],
    });
  });

  test("belongs to the enabled one, even when its id is higher", () => {
    expect(phrase(signals({ ...first, enabled: false }, second), "go")).toMatchObject({
      state: "enabled",
      signal_id: 2,
      strategy_ids: [20, 30],
    });
  });

  test.each([
    ["of one direction", second, "long"],
    ["of both", signalRow(2, { long_phrase: null, short_phrase: "go" }), null],
  ])("is disabled, without a warning, when all of them are, %s", (_directions, other, direction) => {
    const { content, warnings } = buildReference(
      signals({ ...first, enabled: false }, { ...other, enabled: false }),
    );
    expect(warnings).toEqual([]);
    expect(content.phrases.get("go")).toMatchObject({
      state: "disabled",
      signal_ids: [1, 2],
      direction,
      strategy_ids: [10, 20, 30],
    });
  });
});

describe("one ticker in several spellings", () => {
  const disabled = { status: "disabled" } as const;

  test.each([
    ["the exact one counts", [tickerRow(" BTC", disabled), tickerRow("BTC")], "enabled", 1],
    [
      "the exact one counts, wherever it is",
      [tickerRow(" BTC", disabled), tickerRow("BTC"), tickerRow("btc", disabled)],
      "enabled",
      2,
    ],
    ["else the first in order", [tickerRow("btc"), tickerRow("Btc", disabled)], "disabled", 1],
  ])("%s, with a warning for each other one", (_which, tickers, status, warned) => {
    const { content, warnings } = buildReference(referenceRows({ tickers }));
    expect(content.tickers.get("BTC")?.status).toBe(status);
    expect(warnings.map(({ level, actionNeeded }) => ({ level, actionNeeded }))).toEqual(
      Array.from({ length: warned }, () => ({ level: "WARNING", actionNeeded: true })),
    );
  });

  test("the warning says which row is used", () => {
    const tickers = [tickerRow("btc"), tickerRow("Btc")];
    expect(buildReference(referenceRows({ tickers })).warnings[0]?.message).toBe(
      "tickers Btc and btc are the same symbol BTC; Btc is used",
    );
  });
});

test("whatever the rows, each part has the form it is kept in, and survives JSON", () => {
  fc.assert(
    fc.property(widerRows, (rows) => {
      const { content } = buildReference(rows);
      for (const ticker of content.tickers.values())
        expect(tickerSchema.parse(viaJson(ticker))).toEqual(ticker);
      for (const each of content.strategies.values())
        expect(strategySchema.parse(viaJson(each))).toEqual(each);
      for (const each of content.phrases.values()) expect(phraseSchema.parse(viaJson(each))).toEqual(each);
    }),
  );
});

const viaJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("the content as JSON is keyed by symbol, strategy id and folded phrase", () => {
  const json = contentJson(buildReference(referenceRows()).content);
  expect(json).toMatchObject({
    tickers: { BTCUSDT: { status: "enabled" } },
    strategies: { "10": { name: "strategy 10" } },
    strategy_signals: { signal_1_long: { direction: "long" }, signal_1_short: { direction: "short" } },
  });
});
