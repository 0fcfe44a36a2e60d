import { describe, expect, test } from "vitest";
import { ageOf } from "../../../shared/decide/age.ts";
import { reject } from "../../../shared/decide/decide.ts";
import type { Decision } from "../../../shared/decide/decision.ts";
import type { FieldFault } from "../../../shared/signal/signal.ts";
import {
  NOW,
  referenceRows,
  rowsWithStrategies,
  signalFields,
  signalRow,
  strategyRow,
  tickerRow,
  type ContextChanges,
} from "../../builders.ts";
import { decisionOn } from "./decide-fixture.ts";

const decided = (context: ContextChanges, changes: Parameters<typeof signalFields>[0] = {}) =>
  decisionOn(signalFields(changes), context);

const outcomesOf = (decision: Decision) =>
  decision.outcomes.map(({ strategy_id, status, reason }) => [strategy_id, status, reason]);

const sentAgo = (ms: number) => ({ sent_at: String(NOW - ms) });
const three = [strategyRow(10), strategyRow(20, { archived: true }), strategyRow(30, { shadow: true })];

test("a signal goes to every strategy that subscribes to it and takes it", () => {
  const rows = rowsWithStrategies([strategyRow(20), strategyRow(10), strategyRow(30, { enabled: false })]);
  expect(decided({ rows }, { message: " signal_1_SHORT " })).toEqual({
    status: "dispatched",
    reason: null,
    detail: {},
    signalId: 1,
    direction: "short",
    side: null,
    outcomes: [
      { strategy_id: 10, strategy: "strategy 10", status: "dispatched", reason: null, detail: {} },
      { strategy_id: 20, strategy: "strategy 20", status: "dispatched", reason: null, detail: {} },
      {
        strategy_id: 30,
        strategy: "strategy 30",
        status: "ignored",
        reason: "strategy_disabled",
        detail: {},
      },
    ],
  });
});

describe("a strategy's outcome", () => {
  const limited = { use_all_tickers: false };
  const listed = (symbol: string) => ({ strategy_tickers: [{ strategy_id: 10, symbol }] });

  test.each<
    [string, Parameters<typeof strategyRow>[1], ContextChanges & { list?: string }, [string, string | null]]
  >([
    ["a strategy with the defaults", {}, {}, ["dispatched", null]],
    ["disabled", { enabled: false }, {}, ["ignored", "strategy_disabled"]],
    ["archived", { archived: true }, {}, ["ignored", "strategy_archived"]],
    ["neither opening nor reversing", { allow_open: false }, {}, ["ignored", "open_not_allowed"]],
    ["reversing only", { allow_open: false, reverse: true }, {}, ["dispatched", null]],
    ["limited to the ticker", limited, { list: "btcusdt.p" }, ["dispatched", null]],
    ["limited to another ticker", limited, { list: "ETHUSDT" }, ["ignored", "ticker_not_allowed"]],
    ["limited to no ticker", limited, {}, ["ignored", "ticker_not_allowed"]],
    ["with a list that is not used", {}, { list: "ETHUSDT" }, ["dispatched", null]],
    ["with a tighter age limit", { signal_age_ms_max: 9999 }, {}, ["ignored", "stale"]],
    ["whose age limit the signal just meets", { signal_age_ms_max: 10_000 }, {}, ["dispatched", null]],
    ["with an age limit of 0", { signal_age_ms_max: 0 }, {}, ["dispatched", null]],
    [
      "with an age limit where there is no common one",
      { signal_age_ms_max: 9999 },
      { signalAgeMsMax: 0 },
      ["ignored", "stale"],
    ],
    ["paused", {}, { paused: new Set([10]) }, ["ignored", "paused"]],
    ["while another is paused", {}, { paused: new Set([11]) }, ["dispatched", null]],
    ["in the shadow", { shadow: true }, {}, ["shadow", "shadow"]],
    ["in the shadow and disabled", { shadow: true, enabled: false }, {}, ["ignored", "strategy_disabled"]],
    ["in the shadow and paused", { shadow: true }, { paused: new Set([10]) }, ["ignored", "paused"]],
    ["disabled and archived", { archived: true, enabled: false }, {}, ["ignored", "strategy_disabled"]],
  ])("%s", (_which, changes, { list, ...context }, outcome) => {
    const rows = rowsWithStrategies([strategyRow(10, changes)], list === undefined ? {} : listed(list));
    const decision = decided({ rows, ...context }, sentAgo(10_000));
    expect(outcomesOf(decision)).toEqual([[10, ...outcome]]);
    expect(decision.status).toBe(outcome[0] === "dispatched" ? "dispatched" : "ignored");
    expect(decision.reason).toBe(outcome[0] === "dispatched" ? null : "no_eligible_strategy");
  });

  test("has the age of the signal and its ticker in the detail", () => {
    const strategies = [strategyRow(10, { signal_age_ms_max: 999 }), strategyRow(20, limited)];
    const rows = rowsWithStrategies(strategies, {
      strategy_tickers: [{ strategy_id: 20, symbol: "ETHUSDT" }],
    });
    expect(decided({ rows }).outcomes.map(({ detail }) => detail)).toEqual([
      { age_ms: 1000, age_ms_max: 999 },
      { symbol: "BTCUSDT", allowed: 1 },
    ]);
  });
});

describe("a signal is ignored as a whole, each strategy with it,", () => {
  const both = [signalRow(1), signalRow(2, { long_phrase: null, short_phrase: "signal_1_long" })];

  test.each<
    [string, ContextChanges & { change?: Parameters<typeof referenceRows>[0] }, Record<string, string>]
  >([
    ["signal_disabled", { change: { signals: [signalRow(1, { enabled: false })] } }, {}],
    ["ambiguous_phrase", { change: { signals: both } }, {}],
    ["unknown_ticker", {}, { symbol: "ETHUSDT" }],
    ["ticker_disabled", { change: { tickers: [tickerRow("BTCUSDT", { status: "disabled" })] } }, {}],
    [
      "trade_not_permitted",
      { change: { tickers: [tickerRow("BTCUSDT", { trade_permission: "disabled" })] } },
      {},
    ],
    ["stale", {}, sentAgo(300_001)],
    ["stale", { signalAgeMsMax: 1 }, sentAgo(2)],
    ["paused", { paused: new Set(["*"]) }, {}],
  ])("as %s", (reason, { change, ...context }, fields) => {
    const rows = rowsWithStrategies(three, change);
    const decision = decided({ rows, ...context }, fields);
    expect(decision).toMatchObject({ status: "ignored", reason, signalId: 1 });
    expect(outcomesOf(decision)).toEqual(three.map(({ id }) => [id, "ignored", reason]));
  });

  test("as no_strategies when no strategy subscribes to it", () => {
    const decision = decided({ rows: referenceRows({ strategy_signals: [] }) });
    expect(decision).toMatchObject({
      status: "ignored",
      reason: "no_strategies",
      direction: "long",
      outcomes: [],
    });
  });
});

test.each([
  [{ signalAgeMsMax: 300_000 }, sentAgo(300_000)],
  [{ signalAgeMsMax: 0 }, sentAgo(10 ** 11)],
  [{ signalAgeMsMax: 1 }, { sent_at: String(NOW + 5000) }],
])("with %j a signal with %j is not stale", (context, fields) => {
  expect(decided(context, fields).status).toBe("dispatched");
});

test("without a usable sent_at the age is counted from the entry's id", () => {
  const old = `${NOW - 300_001}-0`;
  expect(decisionOn(signalFields(), {}, old)).toMatchObject({
    reason: "stale",
    detail: { age_ms: 300_001, age_ms_max: 300_000 },
  });
  expect(decisionOn(signalFields({ sent_at: "never" }), {}, old).reason).toBe("stale");
  expect(decisionOn(signalFields(sentAgo(0)), {}, old).status).toBe("dispatched");
});

test("the age of a signal is never negative", () => {
  expect(ageOf({ ageFrom: NOW + 10 }, { now: NOW })).toBe(0);
  expect(ageOf({ ageFrom: NOW - 10 }, { now: NOW })).toBe(10);
  expect(ageOf({ ageFrom: NOW - 10 }, { now: NOW, anyAge: true })).toBe(0);
});

test("the detail of a signal without an eligible strategy counts the reasons", () => {
  const rows = rowsWithStrategies([strategyRow(9, { archived: true }), ...three.slice(1)]);
  expect(decided({ rows })).toMatchObject({
    status: "ignored",
    reason: "no_eligible_strategy",
    detail: { strategies: { strategy_archived: 2, shadow: 1 } },
    signalId: 1,
    direction: "long",
  });
});

test("an unknown ticker is quoted in part, never cut within a character", () => {
  const { detail } = decided({}, { symbol: `x${"😀".repeat(1000)}` });
  expect(detail).toEqual({ symbol: `X${"😀".repeat(49)}` });
});

describe("a rejection", () => {
  const missing: FieldFault = { field: "symbol", reason: "missing_field", expected: "a ticker symbol" };
  const invalid: FieldFault = {
    field: "bar_time",
    reason: "invalid_field",
    expected: "a time",
    given: "noon",
  };

  test.each([
    [[missing], missing],
    [[invalid], invalid],
    [[invalid, missing], missing],
  ])("names what is missing first, and every fault", (faults, first) => {
    expect(reject(faults)).toEqual({
      status: "rejected",
      reason: first.reason,
      detail: { field: first.field, faults },
      signalId: null,
      direction: null,
      side: null,
      outcomes: [],
    });
  });
});
