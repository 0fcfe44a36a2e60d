import { describe, expect, test } from "vitest";
import { documentOf } from "../../../shared/reference-document/document-of-rows.ts";
import { planEdit, type PlanOptions } from "../../../shared/reference-document/plan-edit.ts";
import { NO_ROWS, type StoredRows } from "../../../shared/reference-document/stored-rows.ts";
import { isEmptyDiff } from "../../../shared/reference-document/table-diff.ts";
import { OPTIONS, document, plan, signal, stored, strategy, ticker } from "./plan-fixture.ts";

test("each thing that makes a strategy trade is said with its name, and what makes it trade less is not", () => {
  const off = document({
    tickers: [ticker("BTCUSDT"), ticker("ETHUSDT", { status: "disabled" })],
    signals: [signal("EMA"), signal("RSI"), signal("MACD", { enabled: false })],
    strategies: [
      strategy("Off", { enabled: false }),
      strategy("Archived", { archived: true }),
      strategy("Shadow", { shadow: true }),
      strategy("Closed", { allow_open: false }),
      strategy("Listed", { tickers: ["BTCUSDT"], signals: ["EMA", "MACD"], signal_age_ms_max: 1_000 }),
    ],
  });
  const on = document({
    tickers: [ticker("BTCUSDT"), ticker("ETHUSDT"), ticker("SOLUSDT")],
    signals: [signal("EMA"), signal("RSI"), signal("MACD")],
    strategies: [
      strategy("Off"),
      strategy("Archived"),
      strategy("Shadow"),
      strategy("Closed", { reverse: true }),
      strategy("Listed", { signals: ["EMA", "MACD", "RSI"], handler: "webhook", reverse: true }),
      strategy("New"),
    ],
  });
  expect(plan(stored(off), on).willTradeMore).toEqual([
    "ticker ETHUSDT would be traded: it is switched on",
    "ticker SOLUSDT would be traded: it is new",
    "strategy Off (100) would trade: enabled true instead of false",
    "strategy Archived (101) would trade: archived false instead of true",
    "strategy Shadow (102) would trade: shadow false instead of true",
    "strategy Closed (103) would trade: allow_open true instead of false, reverse true instead of false",
    "strategy Listed (104): reverse true instead of false",
    "strategy Listed (104): all tickers instead of BTCUSDT",
    "strategy Listed (104): older signals: signal_age_ms_max without a limit instead of 1000",
    "strategy Listed (104): handler webhook instead of log",
    "strategy Listed (104): it would get MACD LONG (long), RSI LONG (long)",
    "strategy New (105) would trade: it is new",
  ]);
  expect(plan(stored(on), off, { prune: true }).willTradeMore).toEqual([
    "strategy Listed (104): handler log instead of webhook",
  ]);
});

test("a strategy whose tasks fail now, and would run, trades more", () => {
  const unusable: PlanOptions["unusable"] = (strategies) =>
    [...strategies].flatMap(({ id, name, handler, params }) =>
      "url" in params ? [] : [{ strategyId: id, name, handler, reason: "invalid_params", fault: "no url" }],
    );
  const without = document({ strategies: [strategy("Trend"), strategy("Off", { enabled: false })] });
  const params = { url: "https://a.example" };
  const withUrl = document({ strategies: without.strategies.map((one) => ({ ...one, params })) });
  expect(plan(stored(without), withUrl, { unusable }).willTradeMore).toEqual([
    "strategy Trend (100): it can be run, and its tasks fail now",
  ]);
  expect(plan(stored(withUrl), without, { unusable }).willTradeMore).toEqual([]);
  expect(plan(stored(without), without, { unusable }).willTradeMore).toEqual([]);
});

test("a ticker is removed by any of its spellings", () => {
  const rows = stored(document({ tickers: [ticker("BTCUSDT"), ticker("ETHUSDT")] }));
  const removes = [{ kind: "tickers", name: "ethusdt.P" }] as const;
  expect(plan(rows, document(), { removes }).removed.tickers).toEqual([ticker("ETHUSDT")]);
});

test("changes have old and new values, and addresses show their host only", () => {
  const rows = stored(
    document({ strategies: [strategy("Trend", { params: { url: "https://a.example/s3cret", n: 1 } })] }),
  );
  const edit = plan(rows, {
    tickers: [ticker("BTCUSDT", { status: "disabled" })],
    signals: [signal("EMA cross", { was: "EMA", source: "desk" }), signal("RSI")],
    strategies: [
      strategy("Trend", {
        signals: ["RSI"],
        tickers: ["ETHUSDT"],
        params: { url: "https://b.example/s3cret", n: 2 },
      }),
    ],
  });
  expect(edit.changes).toEqual([
    'ticker BTCUSDT: status "enabled" → "disabled"',
    "signal RSI (101): added",
    'signal EMA cross (100): renamed from EMA, long_phrase "EMA LONG" → "EMA cross LONG", source none → "desk"',
    'strategy Trend (100): use_all_tickers true → false, params.n 1 → 2, params.url "a.example/…" → "b.example/…", signals added: RSI (101), signals removed: EMA cross (100)',
  ]);
  expect(edit.warnings).toContain(
    "strategy Trend (100) lists unknown tickers: ETHUSDT; their signals are ignored",
  );
});

describe("a row that is renamed", () => {
  const two = stored(document({ strategies: [strategy("A"), strategy("B")] }));
  const ids = ({ strategies }: StoredRows) =>
    Object.fromEntries(strategies.map(({ id, name }) => [name, id]));

  test("keeps its id, also when its new name was another's, and the document may be applied again", () => {
    const chain = document({ strategies: [strategy("B", { was: "A" }), strategy("C", { was: "B" })] });
    const edit = plan(two, chain);
    expect(edit).toMatchObject({ faults: [], willTradeMore: [] });
    expect(ids(edit.rows)).toEqual({ B: 100, C: 101 });
    expect(plan(edit.rows, chain)).toMatchObject({ faults: [], changes: [] });
  });

  test("is refused when it is not there, or when both are", () => {
    const faultsOf = (was: string, name: string) =>
      plan(two, document({ strategies: [strategy(name, { was })] })).faults;
    expect(faultsOf("X", "C")).toEqual([
      { path: "strategies[0].was", message: expect.stringContaining("no strategy X that could be renamed") },
    ]);
    expect(faultsOf("A", "B")).toEqual([
      { path: "strategies[0].was", message: expect.stringContaining("a strategy A and a strategy B") },
    ]);
  });
});

test("a row that was removed gets its old id again, unless another has it", () => {
  const former = { signals: new Map([["EMA", 7]]), strategies: new Map([["Trend", 8]]) };
  const newIds = { next: { signals: 20, strategies: 30 }, former };
  const made = plan(NO_ROWS, document(), { newIds }).rows;
  expect(made).toMatchObject({ signals: [{ id: 7 }], strategies: [{ id: 8 }] });
  const more = document({ strategies: [strategy("Other", { was: "Trend" }), strategy("Trend")] });
  const renamed = { ...made, strategies: made.strategies.map((row) => ({ ...row, name: "Other" })) };
  const again = plan(renamed, more, { newIds }).rows;
  expect(again.strategies).toMatchObject([
    { id: 8, name: "Other" },
    { id: 30, name: "Trend" },
  ]);
});

test("every fault is reported at once, with its place", () => {
  const broken = document({
    tickers: [ticker("BTCUSDT"), ticker("btcusdt")],
    signals: [signal(" ")],
    strategies: [strategy("A", { signals: ["Nobody"], signal_age_ms_max: 3e9, handler: "" }), strategy("A")],
  });
  expect(
    plan(NO_ROWS, broken)
      .faults.map(({ path }) => path)
      .toSorted(),
  ).toEqual([
    "signals[0].name",
    "strategies[0].handler",
    "strategies[0].signal_age_ms_max",
    "strategies[0].signals[0]",
    "strategies[1].name",
    "strategies[1].signals[0]",
    "tickers[1].symbol",
  ]);
  const empty = { tickers: [], signals: [], strategies: [] };
  expect(plan(stored(), empty, { prune: true }).faults).toEqual([
    { path: "", message: expect.stringContaining("the document is empty") },
  ]);
});

describe("rows that no document can express", () => {
  const rows: StoredRows = {
    ...stored(),
    tickers: [ticker("BTCUSDT"), ticker("btcusdt"), ticker("X.P.P")],
    signals: [...stored().signals, { ...signal(""), id: 5 }],
    strategies: [
      ...stored().strategies,
      { ...strategy("Bad"), id: 6, use_all_tickers: false, params: ["s3cret"] },
      { ...strategy("Big"), id: 7, use_all_tickers: true, params: { id: 9007199254740992 } },
    ],
    strategy_signals: [...stored().strategy_signals, { strategy_id: 100, signal_id: 5 }],
  };
  const read = { rows, inexact: new Set([7]) };

  test("are named, and left as they are by a document without them", () => {
    const { document: made, unreadable } = documentOf(read);
    expect(made.strategies.map(({ name }) => name)).toEqual(["Trend"]);
    expect(unreadable).toEqual([
      'ticker "btcusdt": another row is the same symbol',
      'ticker "X.P.P": it is no symbol',
      "signal 5: it has no name",
      "strategy Bad (6): its params are not an object",
      "strategy Big (7): its params have a number beyond 2^53, which would be changed",
    ]);
    const same = planEdit(read, made, OPTIONS);
    expect(same).toMatchObject({ faults: [], changes: [] });
    expect(isEmptyDiff(same.diff)).toBe(true);
    expect(same.warnings.join("\n")).toMatch(/5 rows that the document lacks stay/);
  });

  test("are removed by prune, and corrected by a document that has their name", () => {
    const { document: made } = documentOf(read);
    expect(planEdit(read, made, { ...OPTIONS, prune: true }).removed).toMatchObject({
      tickers: [{ symbol: "btcusdt" }, { symbol: "X.P.P" }],
      signals: [{ id: 5 }],
      strategies: [{ id: 6 }, { id: 7 }],
    });
    const corrected = { ...made, strategies: [...made.strategies, strategy("Bad", { params: { a: 1 } })] };
    const edit = planEdit(read, corrected, OPTIONS);
    expect(edit.rows.strategies.find(({ id }) => id === 6)).toMatchObject({ params: { a: 1 } });
    expect(edit.willTradeMore).toEqual(["strategy Bad (6) would trade: its row can be used again"]);
  });
});
