import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import { documentOf } from "../../../shared/reference-document/document-of-rows.ts";
import type { DocumentStrategy, ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { planEdit, type PlanOptions } from "../../../shared/reference-document/plan-edit.ts";
import { NO_ROWS, type StoredRows } from "../../../shared/reference-document/stored-rows.ts";
import { isEmptyDiff } from "../../../shared/reference-document/table-diff.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { contextFrom } from "../../builders.ts";
import { entryFrom, NOW, signalFields } from "../../builders.ts";

const OPTIONS: PlanOptions = {
  prune: false,
  newIds: { next: { signals: 100, strategies: 100 }, former: { signals: new Map(), strategies: new Map() } },
};
const exactly = (rows: StoredRows) => ({ rows, inexact: new Set<number>() });
const plan = (rows: StoredRows, document: ReferenceDocument, options: Partial<PlanOptions> = {}) =>
  planEdit(exactly(rows), document, { ...OPTIONS, ...options });

const strategy = (name: string, changes: Partial<DocumentStrategy> = {}): DocumentStrategy => ({
  name,
  signals: ["EMA"],
  tickers: "all",
  handler: "log",
  params: {},
  enabled: true,
  archived: false,
  allow_open: true,
  reverse: false,
  signal_age_ms_max: null,
  shadow: false,
  ...changes,
});
const signal = (name: string, changes = {}) => ({
  name,
  long_phrase: `${name} LONG`,
  short_phrase: null,
  source: null,
  enabled: true,
  ...changes,
});
const ticker = (symbol: string, changes = {}) =>
  ({ symbol, status: "enabled", trade_permission: "enabled", ...changes }) as const;
const document = (changes: Partial<ReferenceDocument> = {}): ReferenceDocument => ({
  tickers: [ticker("BTCUSDT")],
  signals: [signal("EMA")],
  strategies: [strategy("Trend")],
  ...changes,
});
const stored = (from = document()): StoredRows => plan(NO_ROWS, from).rows;

const names = fc.constantFrom("A", "B", "C", "D");
const symbols = fc.constantFrom("BTCUSDT", "ETHUSDT", "SOLUSDT");
const switches = fc.constantFrom("enabled" as const, "disabled" as const);
const mostly = (value: boolean) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(!value) });
const documents: fc.Arbitrary<ReferenceDocument> = fc
  .record({
    tickers: fc.uniqueArray(fc.record({ symbol: symbols, status: switches, trade_permission: switches }), {
      selector: ({ symbol }) => symbol,
    }),
    signals: fc.uniqueArray(
      fc.record({
        name: names,
        long_phrase: fc.constantFrom(null, "GO", "UP"),
        short_phrase: fc.constantFrom(null, "GO", "DOWN"),
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
        shadow: mostly(false),
      }),
      { selector: ({ name }) => name },
    ),
  })
  .map((made) => {
    const known = new Set(made.signals.map(({ name }) => name));
    return {
      ...made,
      strategies: made.strategies.map((one) => ({
        ...one,
        signals: one.signals.filter((name) => known.has(name)),
      })),
    };
  });

/** Order says nothing. */
const sorted = ({ tickers, signals, strategies }: ReferenceDocument) => ({
  tickers: tickers.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1)),
  signals: signals.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  strategies: strategies
    .map((one) => ({
      ...one,
      signals: one.signals.toSorted(),
      tickers: one.tickers === "all" ? ("all" as const) : one.tickers.toSorted(),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
});

const SIGNALS = ["GO", "UP", "DOWN"].flatMap((message) =>
  ["BTCUSDT", "ETHUSDT"].flatMap((symbol) =>
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
    const { direction, outcomes } = decide(made, context);
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
    ...fields.map(([field, value]: [string, unknown]) => ({
      ...first,
      strategies: first.strategies.map((one) => {
        const changed = { ...one, [field]: value };
        return { ...changed, signals: changed.signals.filter((name) => known.has(name)) };
      }),
    })),
  ];
}

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
    tickers: [ticker("BTCUSDT"), ticker("btcusdt.P")],
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
    tickers: [ticker("BTCUSDT"), ticker("btcusdt.P"), ticker("X.P.P")],
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
      'ticker "btcusdt.P": another row is the same symbol',
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
      tickers: [{ symbol: "btcusdt.P" }, { symbol: "X.P.P" }],
      signals: [{ id: 5 }],
      strategies: [{ id: 6 }, { id: 7 }],
    });
    const corrected = { ...made, strategies: [...made.strategies, strategy("Bad", { params: { a: 1 } })] };
    const edit = planEdit(read, corrected, OPTIONS);
    expect(edit.rows.strategies.find(({ id }) => id === 6)).toMatchObject({ params: { a: 1 } });
    expect(edit.willTradeMore).toEqual(["strategy Bad (6) would trade: its row can be used again"]);
  });
});
