import { expect, it } from "vitest";
import { readMappingReport } from "../../../../shared/io/reference-mapping/mapping.ts";
import { sql } from "../../../servers/insert-reference.ts";
import { decisionOn, makeViews, snapshotIn, useOldSystem } from "./mapping-fixture.ts";

/** Phrase, symbol, decision with the strategies that get it. */
const DECISIONS = [
  // Not 4 (neither may open; its reverse is the workers'), 5 (NULLs), 6 (archived). 3 gets what its own list does not have.
  ["EMA_LONG", "BTCUSDT", "dispatched 1 2 3"],
  ["EMA_SHORT", "ETHUSDT", "dispatched 1 2 3"],
  ["EXIT_LONG", "BTCUSDT", "dispatched 7"],
  ["BOTH_LONG", "BTCUSDT", "dispatched 1"],
  ["EMA_2_LONG", "BTCUSDT", "dispatched 2"],
  ["OFF_LONG", "BTCUSDT", "ignored signal_disabled"],
  ["OLD_LONG", "BTCUSDT", "ignored unknown_phrase"],
  ["EMA_LONG", "OFFUSDT", "ignored ticker_disabled"],
  ["EMA_LONG", "NULUSDT", "ignored trade_not_permitted"],
] as const;

const mapped = useOldSystem("v2", "router");

it("views over v2, beside the tables of v1, give a reference that decides by the rules of the mapping", async () => {
  await makeViews(mapped, { system: "v2", schema: "router" });
  const snapshot = await snapshotIn(mapped.db);
  const decided = DECISIONS.map(([message, symbol]) => [
    message,
    symbol,
    decisionOn(snapshot, message, symbol),
  ]);
  expect(decided).toEqual(DECISIONS);
  expect([...snapshot.strategies.values()].map(({ name }) => name)).toEqual(
    expect.arrayContaining(["Trend #1", "Trend #2", "Limited"]),
  );
  const links = await sql(mapped.url(), "SELECT * FROM router.strategy_signals WHERE strategy_id = 1");
  expect(links).toHaveLength(3);
});

it("the check of v2 says what is for exits, and what only the workers know", async () => {
  const { lines, faults } = await mapped.db.readOnly((query) =>
    readMappingReport(query, { system: "v2", source: "public" }),
  );
  expect(faults).toEqual([]);
  expect(lines).toEqual([
    "The reference of v2 in schema public",
    "  rows: 4 in tickers, 5 in signals_v2, 7 in strategies_v2, 12 in strategy_signals_v2, 2 in strategy_tickers_v2",
    "",
    "Tickers: 2 of 4 may be traded",
    '  off: OFFUSDT (status "disabled"), NULUSDT (tradepermission NULL)',
    "",
    "Strategies: 4 of 7 may get signals",
    "  disabled: NULLs (5), enabled NULL",
    "  archived: NULLs (5), archived NULL; Archived (6)",
    "  may neither open nor reverse: every signal is ignored for them (open_not_allowed): Reverser (4); NULLs (5), allow_open NULL",
    "",
    "What v2 leaves to its workers",
    "  signal Exit (2), with EXIT_LONG, has the role exit for Exits (7): it is handed on as a signal to open, as before",
    "  signal Both roles (3), with BOTH_LONG, has the role exit for Trend #1 (1): it is handed on as a signal to open, as before",
    "  use_all_tickers is false, and they get signals of all tickers, as before; their workers pick: Limited (3)",
    "  reverse is true and allow_open is not, and they get nothing, since v2's reverse is no permission here: Reverser (4)",
    "",
    "Names that are empty or not unique",
    '  strategy 1: name is "Trend", here it is named Trend #1',
    '  strategy 2: name is "Trend", here it is named Trend #2',
    '  signal 1: name is "EMA", here it is named EMA #1',
    '  signal 5: name is "EMA", here it is named EMA #5',
    "",
    "Lower case",
    "  a phrase or symbol in lower case, for which the old router dropped signals, is decided like any other",
  ]);
});
