import { expect, test } from "vitest";
import { exampleAt } from "../../../shared/reference-document/document-fields.ts";
import { documentOf } from "../../../shared/reference-document/document-of-rows.ts";
import type { DocumentSource } from "../../../shared/reference-document/document.ts";
import { withoutRow } from "../../../shared/reference-document/edit-one.ts";
import { removalsOf } from "../../../shared/reference-document/removals.ts";
import { document, exactly, plan, signal, stored, strategy, ticker } from "./plan-fixture.ts";

/** What an edit of exits, perpetuals and sources takes away, and how they are shown. */

const whole = (changes = {}) => document({ aliases: [], sources: [], ...changes });
const source = (name: string, changes: Partial<DocumentSource> = {}): DocumentSource => ({
  name,
  enabled: true,
  format: "json",
  template: { symbol: "{{ticker}}", message: "{{m}}", time: "{{t}}" },
  uid: null,
  ...changes,
});

test("exits that a strategy no longer gets are warned of, as by a file of the time before exits", () => {
  const rows = stored(
    whole({
      signals: [signal("EMA", { exit_phrase: "OUT", long_exit_phrase: "OUT LONG" })],
      strategies: [strategy("Trend", { exits: true }), strategy("Other", { exits: true })],
    }),
  );
  const lost = (changes: Parameters<typeof document>[0]) =>
    plan(rows, document(changes)).warnings.filter((line) => line.includes("no longer gets exits"));
  const wide = signal("EMA", { exit_phrase: "OUT", long_exit_phrase: "OUT LONG" });
  expect(lost({})).toEqual([
    expect.stringMatching(
      /^strategy Trend \(\d+\) no longer gets exits by OUT \(long\), OUT \(short\), OUT LONG \(long\): nothing closes/,
    ),
    expect.stringMatching(/^strategy Other /),
  ]);
  const both = [strategy("Trend", { exits: true }), strategy("Other", { exits: true })];
  const narrower = signal("EMA", { long_exit_phrase: "OUT" });
  expect(lost({ signals: [narrower], strategies: both })[0]).toMatch(
    /exits by OUT \(short\), OUT LONG \(long\):/,
  );
  expect(lost({ signals: [wide], strategies: both })).toEqual([]);
  const disabled = strategy("Trend", { enabled: false });
  expect(lost({ signals: [wide], strategies: [disabled, strategy("Other", { exits: true })] })).toEqual([]);
});

test.each(["BTCUSDT", "BTCUSDT.P"])("%s is removed also where a list names both", (symbol) => {
  const tickers = [ticker("BTCUSDT"), ticker("BTCUSDT.P")];
  const made = whole({ tickers, strategies: [strategy("Trend", { tickers: ["BTCUSDT", "BTCUSDT.P"] })] });
  const without = withoutRow(made, "tickers", symbol);
  if (without === undefined) throw new Error(`there is no ticker ${symbol}`);
  const edit = plan(stored(made), without, { removes: [{ kind: "tickers", name: symbol }] });
  expect(edit.faults).toEqual([]);
  expect(documentOf(exactly(edit.rows)).document.strategies[0]?.tickers).toEqual(["BTCUSDT"]);
});

test("a template has the router's own fields first, and what a field is made from before its map", () => {
  const template = {
    qty: "{{q}}",
    time: "{{t}}",
    message: { map: { buy: "UP" }, from: "{{side}}" },
    symbol: "{{s}}",
  };
  const { sources } = documentOf(
    exactly(stored(whole({ sources: [source("desk", { template })] }))),
  ).document;
  expect(JSON.stringify(sources?.[0]?.template)).toBe(
    '{"message":{"from":"{{side}}","map":{"buy":"UP"}},"symbol":"{{s}}","time":"{{t}}","qty":"{{q}}"}',
  );
});

test("a source that is renamed is listed as removed: its senders use the path with its name", () => {
  const rows = stored(whole({ sources: [source("desk")] }));
  const renamed = plan(rows, whole({ sources: [source("bot", { was: "desk" })] }));
  expect(removalsOf(renamed.removed, new Map()).willRemove).toEqual([
    "source desk: its webhook is refused from then on",
  ]);
});

test("the example beside a fault within a row is of its field", () => {
  expect(exampleAt("exchanges[1]")).toBe('["BINANCE"]');
  expect(exampleAt("aliases[0].alias")).toBe('"BTC/USDT"');
});
