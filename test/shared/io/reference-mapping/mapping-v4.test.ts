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
  "The reference of v4 in schema public: 10 rows in tickers_bb, 13 rows in signals_v4, 20 rows in strategies_v4, 6 rows in strategy_tickers_v4.",
  "2 values cannot be used:",
  "  table tickers, row NULL, column symbol: NULL instead of a symbol that only one row has; the ticker is left out: its signals are ignored as unknown_ticker",
  '  table tickers, row ODDUSDT, column status: "halted" instead of enabled or disabled; the ticker counts as disabled: its signals are ignored as ticker_disabled',
  "4 of 10 tickers may be traded.",
  'Tickers that are off: OFFUSDT (status "disabled"), NULUSDT (status NULL), NOTUSDT (tradepermission "disabled"), NOPUSDT (tradepermission NULL), ODDUSDT (status "halted"), one without symbol.',
  "Tickers with is_active false that are traded all the same, since the old router looked at status and tradepermission only: INAUSDT.",
  "Tickers that count as another spelling, for which the old router dropped signals: lowusdt as LOWUSDT.",
  "12 of 20 strategies may get signals.",
  "Strategies that are disabled: ema_5 #5 (5), enabled NULL; Off (10).",
  "Strategies that are archived: Retired (6); Archive unknown (7), archived NULL.",
  "Strategies that may neither open nor reverse, so that every signal is ignored for them as open_not_allowed: Opens nothing (8), allow_open and reverse NULL.",
  "Strategies that get no signal, since they have none that is enabled: Of a signal that is off (15); Of a signal with NULL (16); Without a signal (18).",
  "Strategies limited to their own tickers that have none, so that every signal is ignored for them as ticker_not_allowed: Tickers unknown (9), use_all_tickers NULL.",
  'Names that are empty or not unique: strategy 2, whose human_name is "Twin", is named ema_2 #2; strategy 3, whose human_name is "Twin", is named ema_3 #3; strategy 4, whose human_name is "", is named ema_4 #4; strategy 5, whose human_name is NULL, is named ema_5 #5; strategy 20, whose human_name is NULL, is named strategy #20.',
  'Names that are empty or not unique: signal 9, whose name is "Twice", is named Twice #9; signal 10, whose name is "Twice", is named Twice #10; signal 11, whose name is "", is named signal #11.',
  "Phrase EMA_LONG is long in signal EMA (1) and long in signal EMA copy (4). The old router reached only EMA (1), as long; now the strategies of all of them get it. Strategies that get more than before: Copycat (11).",
  "Phrase ONLY_LONG is long in signal Only long (2) and short in signal Contrary (5). The old router reached only Only long (2), as long; now it stands for long and for short and is not traded (ambiguous_phrase) until one of these is changed or disabled. Strategies that get less than before: Long only (12).",
  "Phrase lower_long is long in signal Lower (8). The old router dropped it, since it is written in lower case; now its strategies get it. Strategies that get more than before: In lower case (17).",
  "Phrases and symbols are compared without regard to case: a signal that was sent in lower case, which the old router dropped, is decided like any other.",
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
