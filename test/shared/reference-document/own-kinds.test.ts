import { describe, expect, test } from "vitest";
import { documentOf } from "../../../shared/reference-document/document-of-rows.ts";
import type { DocumentAlias, DocumentSource } from "../../../shared/reference-document/document.ts";
import { withChanges, withoutRow } from "../../../shared/reference-document/edit-one.ts";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { NO_ROWS, storedRowsFrom } from "../../../shared/reference-document/stored-rows.ts";
import { document, exactly, plan, signal, stored, strategy, ticker } from "./plan-fixture.ts";

/** Exits, aliases, exchanges and webhook sources in documents: what is read, refused, asked for, and follows. */

const alias = (name: string, symbol = "BTCUSDT"): DocumentAlias => ({ alias: name, symbol });
const source = (name: string, changes: Partial<DocumentSource> = {}): DocumentSource => ({
  name,
  enabled: true,
  format: "json",
  template: { symbol: "{{ticker}}", message: "{{m}}", time: "{{t}}" },
  uid: null,
  ...changes,
});
const whole = (changes = {}) => document({ aliases: [], sources: [], ...changes });
const messages = (text: string): string => {
  const read = parseDocument(text);
  return read.ok
    ? ""
    : read.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`).join("\n");
};

test.each([
  ["tickers: [{ symbol: A, exchanges: [BYBIT, bybit] }]", /exchanges\[1\]: .*in this list already/],
  ["tickers: [{ symbol: A, exchanges: ['BINANCE:'] }]", /expected the name of an exchange before the colon/],
  ["tickers: [{ symbol: A, exchanges: BYBIT }]", /exchanges: found "BYBIT"; expected a list of exchanges/],
  ["aliases: [{ alias: XBT, symbol: A }, { alias: ' xbt', symbol: B }]", /" xbt" and "XBT" are the same/],
  ["aliases: [{ alias: XBT }]", /this alias has no symbol: write one, such as `symbol: BTCUSDT`/],
  [
    "sources: [{ name: My_Screener, template: {} }]",
    /name: found "My_Screener"; expected lower case letters/,
  ],
  [
    "sources:\n  - name: text\n    template: { symbol: '{{s}}', message: '{{m}}', time: '{{t}}' }",
    /^2 .*\.name: text is a built-in/,
  ],
  [
    "sources: [{ name: a, template: { symbol: 1 } }]",
    /template\.symbol: found the number 1; .*put it in quotes/,
  ],
  ["sources: [{ name: a, template: { symbol: { map: { a: b } } } }]", /its `from` is missing/],
  [
    "sources:\n  - name: a\n    template:\n      symbol: {{s}}\n      message: '{{m}}'",
    /^4 sources\[0\]\.template\.symbol: found \{\{ without quotes.*$/,
  ],
  ["sources: [{ name: a, format: xml, template: {} }]", /format: found "xml"; expected json, text or form/],
  [
    "sources:\n  - name: a\n    template:\n      symbol: '{{s}}'\n      message: '{{m'\n      time: '{{t}}'",
    /^5 sources\[0\]\.template\.message: /,
  ],
  ["sources: [{ name: a-b, template: {} }, { name: a-b, template: {} }]", /"a-b" is in sources already/],
])("%j is refused", (text, fault) => {
  expect(messages(text)).toMatch(fault);
});

test("a file without these lists says nothing of them, and prunes none", () => {
  const rows = stored(whole({ aliases: [alias("XBT")], sources: [source("desk")] }));
  const before = parseDocument(formatDocument(document(), "yaml"));
  if (!before.ok) throw new Error("the document cannot be read");
  expect(before.document).toEqual(document());
  const edit = plan(rows, before.document, { prune: true });
  expect(edit).toMatchObject({
    changes: [],
    faults: [],
    warnings: [],
    removed: { aliases: [], sources: [] },
  });
  const emptied = plan(rows, whole(), { prune: true });
  expect(emptied.changes).toEqual(["alias XBT of ticker BTCUSDT: removed", "source desk: removed"]);
});

test("a file with aliases or sources alone prunes nothing else", () => {
  const only = { tickers: [], signals: [], strategies: [], aliases: [alias("xbt")] };
  const edit = plan(stored(whole({ sources: [source("desk")] })), only, { prune: true });
  expect(edit.changes).toEqual(["alias XBT of ticker BTCUSDT: added"]);
});

describe("an edit is refused, with every fault,", () => {
  const faultsIn = (changes: Parameters<typeof document>[0], rows = NO_ROWS) =>
    plan(rows, whole(changes)).faults.map(({ path, message }) => `${path}: ${message}`);

  test("where a phrase opens and exits, or exits different sides", () => {
    const open = signal("EMA", { long_phrase: "GO", long_exit_phrase: "Out" });
    const faults = faultsIn({
      signals: [
        open,
        signal("B", { long_phrase: null, exit_phrase: "go" }),
        signal("C", { short_exit_phrase: "OUT" }),
      ],
    });
    expect(faults).toEqual([
      expect.stringMatching(
        /^signals\[1\]\.exit_phrase: phrase "go" .*EMA.* opens long .*B.* exits both sides/,
      ),
      expect.stringMatching(/^signals\[0\]\.long_exit_phrase: phrase "out" .*exits long .*exits short/),
    ]);
    const disabled = signal("B", { long_phrase: null, exit_phrase: "go", enabled: false });
    expect(faultsIn({ signals: [open, disabled] })).toEqual([]);
    expect(faultsIn({ signals: [signal("EMA", { exit_phrase: "ema long" })] })).toEqual([
      expect.stringContaining("signals[0].exit_phrase"),
    ]);
  });

  test("but not where the rows say so already: an urgent edit of something else goes on", () => {
    const rows = stored();
    const said = { ...rows, signals: rows.signals.map((row) => ({ ...row, exit_phrase: row.long_phrase })) };
    const { document: made } = documentOf(exactly(said));
    const edit = plan(said, { ...made, strategies: [strategy("Trend", { enabled: false })] });
    expect(edit.faults).toEqual([]);
    expect(edit.warnings.join("\n")).toContain("EMA LONG");
  });

  test("for aliases of nothing, of two tickers, and that are tickers", () => {
    const tickers = [ticker("BTCUSDT"), ticker("ETHUSDT")];
    const aliases = [alias("XBT", "BTCUSD"), alias("ethusdt.p"), alias("X"), alias(" x", "ETHUSDT")];
    expect(faultsIn({ tickers, aliases })).toEqual([
      expect.stringMatching(/^aliases\[3\]\.alias: alias X is in the document twice/),
      expect.stringMatching(/^aliases\[0\]\.symbol: there is no ticker "BTCUSD": did you mean "BTCUSDT"/),
      expect.stringMatching(/^aliases\[1\]\.alias: "ETHUSDT.P" means ticker ETHUSDT already/),
    ]);
    const rows = stored(whole({ aliases: [alias("XBT")] }));
    expect(plan(rows, document({ tickers: [ticker("xbt")] })).faults).toEqual([
      { path: "tickers[0].symbol", message: expect.stringMatching(/"XBT" is an alias of ticker BTCUSDT/) },
    ]);
  });
});

test("aliases follow a ticker that is renamed, and go with one that is removed", () => {
  const rows = stored(whole({ tickers: [ticker("BTCUSDT"), ticker("ETHUSDT")], aliases: [alias("XBT")] }));
  const renamed = plan(rows, document({ tickers: [ticker("BTCUSD", { was: "BTCUSDT" })] }));
  expect(renamed.rows.ticker_aliases).toEqual([alias("XBT", "BTCUSD")]);
  const removed = plan(rows, document({ tickers: [ticker("ETHUSDT")] }), { prune: true });
  expect(removed).toMatchObject({ faults: [], removed: { aliases: [alias("XBT")] } });

  const made = whole({ aliases: [alias("XBT"), alias("BTC/USDT")] });
  const changed = withChanges(made, { kind: "tickers", name: "btcusdt", changes: { symbol: "BTCUSD" } });
  expect(changed?.json).toMatchObject({ aliases: [alias("XBT", "BTCUSD"), alias("BTC/USDT", "BTCUSD")] });
  expect(withoutRow(made, "tickers", "BTCUSDT.P")).toMatchObject({ tickers: [], aliases: [] });
});

describe("X and X.P", () => {
  const both = [ticker("BTCUSDT"), ticker("btcusdt.p", { status: "disabled" })];

  test("are one ticker where one is listed, and two where both are", () => {
    const one = stored(document({ tickers: [ticker("BTCUSDT.P")] }));
    expect(one.tickers).toMatchObject([{ symbol: "BTCUSDT" }]);
    const edit = plan(
      one,
      document({ tickers: both, strategies: [strategy("Trend", { tickers: ["BTCUSDT.P"] })] }),
    );
    expect(edit.rows.tickers).toMatchObject([{ symbol: "BTCUSDT" }, { symbol: "BTCUSDT.P" }]);
    expect(edit.rows.strategy_tickers).toMatchObject([{ symbol: "BTCUSDT.P" }]);
    expect(edit.warnings.join("\n")).toMatch(
      /BTCUSDT and BTCUSDT.P are both listed.*list BTCUSDT.P alone.*: Trend \(100\)/,
    );
    expect(documentOf(exactly(edit.rows)).document.tickers).toMatchObject([
      { symbol: "BTCUSDT" },
      { symbol: "BTCUSDT.P" },
    ]);
  });

  test("a list that names X.P, or both, still means X where only X is a ticker", () => {
    const listing = (tickers: string[]) => document({ strategies: [strategy("Trend", { tickers })] });
    expect(stored(listing(["BTCUSDT.P"])).strategy_tickers).toMatchObject([{ symbol: "BTCUSDT" }]);
    expect(plan(NO_ROWS, listing(["BTCUSDT", "BTCUSDT.P"])).faults).toEqual([
      { path: "strategies[0].tickers[1]", message: expect.stringContaining("is ticker BTCUSDT") },
    ]);
  });

  test("signals for X.P are asked for when they become those of X", () => {
    const edit = plan(stored(document({ tickers: both })), document(), { prune: true });
    expect(edit.willTradeMore).toEqual(["BTCUSDT.P: signals for it would be those of ticker BTCUSDT"]);
  });
});

test("what would trade more is asked for: exits, aliases, exchanges and sources", () => {
  const exits = { exit_phrase: "OUT", long_exit_phrase: null };
  const rows = stored(whole({ signals: [signal("EMA", { long_exit_phrase: "L OUT" })] }));
  const more = plan(
    rows,
    whole({
      tickers: [ticker("BTCUSDT", { exchanges: ["binance"] })],
      signals: [signal("EMA", exits)],
      strategies: [strategy("Trend", { exits: true, handler: "none" })],
      aliases: [alias("XBT")],
      sources: [source("desk")],
    }),
  );
  expect(more.willTradeMore).toEqual([
    "ticker BTCUSDT: also its symbol of BINANCE",
    "alias XBT: signals for it would be those of ticker BTCUSDT",
    "strategy Trend (100): exits true instead of false",
    "strategy Trend (100): handler none instead of log",
    "strategy Trend (100): it would get OUT (exit)",
    "source desk: it is new, and its alerts would become signals",
  ]);
  expect(more.warnings.join("\n")).toMatch(/Trend \(100\) takes exits.*another program \(handler none\)/);
  const fewer = plan(
    more.rows,
    whole({
      signals: [signal("EMA", { exit_phrase: null, long_exit_phrase: "OUT" })],
      strategies: [strategy("Trend", { exits: true, handler: "none", exit_age_ms_max: 5 })],
      sources: [source("desk", { enabled: false })],
    }),
    { prune: true },
  );
  expect(fewer.willTradeMore).toEqual([
    "strategy Trend (100): perhaps older exits: exit_age_ms_max 5 instead of null (as for openings)",
  ]);
});

test("rows of the history from before these columns and tables are read with their defaults", () => {
  const { ticker_aliases: _, webhook_sources: __, ...rows } = stored();
  const old = {
    ...rows,
    tickers: rows.tickers.map(({ exchanges: ___, ...row }) => row),
    signals: rows.signals.map(({ id, name, long_phrase, short_phrase, source: from, enabled }) => {
      return { id, name, long_phrase, short_phrase, source: from, enabled };
    }),
    strategies: rows.strategies.map(({ exits: ___, exit_age_ms_max: ____, ...row }) => row),
  };
  const read = storedRowsFrom(JSON.stringify(old));
  expect(read).toEqual(exactly(stored()));
  expect(storedRowsFrom("{}")).toEqual({ ...exactly(NO_ROWS), isForeign: true });
});
