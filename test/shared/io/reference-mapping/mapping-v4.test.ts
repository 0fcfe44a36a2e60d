import { describe, expect, it } from "vitest";
import { readMappingReport } from "../../../../shared/io/reference-mapping/mapping.ts";
import { decisionOn, makeViews, snapshotIn, useOldSystem } from "./mapping-fixture.ts";

/** Phrase, symbol, decision with the strategies that get it. */
const DECISIONS = [
  // Of EMA (1) and EMA copy (4), which share the phrase. Not 5, 10 (off), 6, 7 (archived), 8 (opens nothing), 3, 9 (own tickers).
  ["EMA_LONG", "BTCUSDT", "dispatched 1 2 4 11"],
  ["EMA_LONG", "ETHUSDT", "dispatched 1 2 3 4 11"],
  ["EMA_SHORT", "BTCUSDT", "dispatched 1 2 4"],
  ["COPY_SHORT", "BTCUSDT", "dispatched 11"],
  ["ema_long", "btcusdt.p", "dispatched 1 2 4 11"],
  ["ONLY_LONG", "BTCUSDT", "ignored ambiguous_phrase"],
  ["CONTRARY_LONG", "BTCUSDT", "dispatched 14"],
  ["ONLY_SHORT", "BTCUSDT", "dispatched 13"],
  ["OFF_LONG", "BTCUSDT", "ignored signal_disabled"],
  ["NULL_LONG", "BTCUSDT", "ignored signal_disabled"],
  ["LOWER_LONG", "BTCUSDT", "dispatched 17"],
  ["TWICE_A", "BTCUSDT", "dispatched 19"],
  ["TWICE_B", "BTCUSDT", "ignored no_strategies"],
  ["NAMELESS_LONG", "BTCUSDT", "dispatched 20"],
  ["UNUSED_LONG", "BTCUSDT", "ignored no_strategies"],
  ["UNKNOWN", "BTCUSDT", "ignored unknown_phrase"],
  ["EMA_SHORT", "OFFUSDT", "ignored ticker_disabled"],
  ["EMA_SHORT", "NULUSDT", "ignored ticker_disabled"],
  ["EMA_SHORT", "ODDUSDT", "ignored ticker_disabled"],
  ["EMA_SHORT", "NOTUSDT", "ignored trade_not_permitted"],
  ["EMA_SHORT", "NOPUSDT", "ignored trade_not_permitted"],
  ["EMA_SHORT", "INAUSDT", "dispatched 1 2 4"],
  ["EMA_SHORT", "LOWUSDT", "dispatched 1 2 3 4"],
  ["EMA_SHORT", "NONEUSDT", "ignored unknown_ticker"],
] as const;

const NAMES = [
  "Trend follower",
  "ema_2 #2",
  "ema_3 #3",
  "ema_4 #4",
  "ema_5 #5",
  "Retired",
  "Archive unknown",
  "Opens nothing",
  "Tickers unknown",
  "Off",
  "Copycat",
  "Long only",
  "Short only",
  "Contrary",
  "Of a signal that is off",
  "Of a signal with NULL",
  "In lower case",
  "Without a signal",
  "Twice",
  "strategy #20",
];

/** What a person is asked to read before the views are made. */
const LINES = [
  "The reference of v4 in schema public",
  "  rows: 10 in tickers_bb, 13 in signals_v4, 20 in strategies_v4, 6 in strategy_tickers_v4",
  "",
  "Values that cannot be used: 2",
  "  table tickers, row NULL, column symbol: NULL instead of a symbol that only one row has; the ticker is left out: its signals are ignored as unknown_ticker",
  '  table tickers, row ODDUSDT, column status: "halted" instead of enabled or disabled; the ticker counts as disabled: its signals are ignored as ticker_disabled',
  "",
  "Tickers: 4 of 10 may be traded",
  '  off: OFFUSDT (status "disabled"), NULUSDT (status NULL), NOTUSDT (tradepermission "disabled"), NOPUSDT (tradepermission NULL), ODDUSDT (status "halted"), one without symbol',
  "  with is_active false, and traded all the same, since the old router looked at status and tradepermission only: INAUSDT",
  "  in another spelling, for which the old router dropped signals: lowusdt, now LOWUSDT",
  "",
  "Strategies: 12 of 20 may get signals",
  "  disabled: ema_5 #5 (5), enabled NULL; Off (10)",
  "  archived: Retired (6); Archive unknown (7), archived NULL",
  "  may neither open nor reverse: every signal is ignored for them (open_not_allowed): Opens nothing (8), allow_open and reverse NULL",
  "  have no signal that is enabled: Of a signal that is off (15); Of a signal with NULL (16); Without a signal (18)",
  "  limited to their own tickers, and have none: every signal is ignored for them (ticker_not_allowed): Tickers unknown (9), use_all_tickers NULL",
  "",
  "Phrases that reach other strategies than before",
  "  EMA_LONG: long in signal EMA (1) and long in signal EMA copy (4)",
  "    before: reached only EMA (1), as long",
  "    now: the strategies of all of them get it",
  "    get more than before: Copycat (11)",
  "  ONLY_LONG: long in signal Only long (2) and short in signal Contrary (5)",
  "    before: reached only Only long (2), as long",
  "    now: both directions, so it is not traded (ambiguous_phrase) until one of these is changed or disabled",
  "    get less than before: Long only (12)",
  "  lower_long: long in signal Lower (8)",
  "    before: dropped, since it is written in lower case",
  "    now: its strategies get it",
  "    get more than before: In lower case (17)",
  "",
  "Names that are empty or not unique",
  '  strategy 2: human_name is "Twin", here it is named ema_2 #2',
  '  strategy 3: human_name is "Twin", here it is named ema_3 #3',
  '  strategy 4: human_name is "", here it is named ema_4 #4',
  "  strategy 5: human_name is NULL, here it is named ema_5 #5",
  "  strategy 20: human_name is NULL, here it is named strategy #20",
  '  signal 9: name is "Twice", here it is named Twice #9',
  '  signal 10: name is "Twice", here it is named Twice #10',
  '  signal 11: name is "", here it is named signal #11',
  "",
  "Lower case",
  "  a phrase or symbol in lower case, for which the old router dropped signals, is decided like any other",
];

describe.each(["router", "public"])("views over v4 in the schema %s", (schema) => {
  const mapped = useOldSystem("v4", schema);

  it("are made after a check that says what they will give", async () => {
    const report = await mapped.db.readOnly((query) =>
      readMappingReport(query, { system: "v4", source: "public" }),
    );
    expect(report).toEqual({ lines: LINES, faults: [] });
  });

  it("give a reference that decides by the rules of the mapping", async () => {
    await makeViews(mapped, { system: "v4", schema });
    const snapshot = await snapshotIn(mapped.db);
    const decided = DECISIONS.map(([message, symbol]) => [
      message,
      symbol,
      decisionOn(snapshot, message, symbol),
    ]);
    expect(decided).toEqual(DECISIONS);
    expect([...snapshot.strategies.values()].map(({ name }) => name)).toEqual(NAMES);
    expect(snapshot.strategies.get(1)).toMatchObject({
      handler: "none",
      params: {},
      signal_age_ms_max: null,
      shadow: false,
    });
  });
});
