import { expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import { compareReferences } from "../../../shared/reference/compare-references.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { signalRow, strategyRow, tickerRow } from "../../builders.ts";

const ROWS: ReferenceRows = {
  tickers: [tickerRow("A"), tickerRow("B")],
  signals: [signalRow(1)],
  strategies: [strategyRow(1, { name: "one" }), strategyRow(2, { name: "two" })],
  strategy_signals: [{ strategy_id: 1, signal_id: 1 }],
  strategy_tickers: [],
  ticker_aliases: [],
  webhook_sources: [],
};

const compared = (after: Partial<ReferenceRows>): readonly string[] =>
  compareReferences(buildReference(ROWS).content, buildReference({ ...ROWS, ...after }).content);

test.each<{ what: string; after: Partial<ReferenceRows>; lines: readonly (string | RegExp)[] }>([
  { what: "nothing", after: { signals: [signalRow(1, { name: "renamed" })] }, lines: [] },
  {
    what: "a ticker switched off and a new one",
    after: { tickers: [tickerRow("A"), tickerRow("B", { trade_permission: "disabled" }), tickerRow("C")] },
    lines: [
      "more: 1 ticker would be traded from now on: C",
      "less: 1 ticker would not be traded any longer: B",
    ],
  },
  {
    what: "another strategy under the same id",
    after: { strategies: [strategyRow(1, { name: "other" }), strategyRow(2, { name: "two" })] },
    lines: [
      "more: 1 strategy would get tasks from now on: other (1)",
      "less: 1 strategy would get no tasks any longer: one (1)",
    ],
  },
  {
    what: "a strategy that may not open, which is as good as none",
    after: {
      strategies: [strategyRow(1, { name: "one", allow_open: false }), strategyRow(2, { name: "two" })],
    },
    lines: ["less: 1 strategy would get no tasks any longer: one (1)"],
  },
  {
    what: "subscriptions",
    after: {
      strategy_signals: [
        { strategy_id: 1, signal_id: 1 },
        { strategy_id: 2, signal_id: 1 },
      ],
    },
    lines: [
      "more: 2 subscriptions would be traded from now on: signal_1_long (long) to two (2), signal_1_short (short) to two (2)",
    ],
  },
  {
    what: "a disabled signal",
    after: { signals: [signalRow(1, { enabled: false })] },
    lines: [/^less: 2 subscriptions would not be traded any longer: /],
  },
  {
    what: "how a strategy runs, without its params",
    after: {
      strategies: [
        strategyRow(1, { name: "one", handler: "none", params: { key: "s3cret" }, signal_age_ms_max: 5 }),
        strategyRow(2, { name: "two", use_all_tickers: false }),
      ],
      strategy_tickers: [{ strategy_id: 2, symbol: "A" }],
    },
    lines: [
      "differently: strategy one (1): handler none instead of log; signal_age_ms_max 5 ms instead of no limit; other params",
      "differently: strategy two (2): symbols A instead of all",
    ],
  },
  {
    what: "other spellings",
    after: {
      tickers: [tickerRow("A", { exchanges: ["NYSE"] }), tickerRow("B", { exchanges: ["*"] })],
      ticker_aliases: [{ alias: "AA", symbol: "A" }],
    },
    lines: ["more: 3 other spellings would be known from now on: AA (A), NYSE:A, any exchange before B"],
  },
  {
    what: "a strategy that takes exits alone, as one that gets tasks, and no longer openings",
    after: {
      signals: [signalRow(1, { long_exit_phrase: "OUT" })],
      strategies: [
        strategyRow(1, { name: "one", allow_open: false, exits: true, exit_age_ms_max: 0 }),
        strategyRow(2, { name: "two" }),
      ],
    },
    lines: [
      "more: 1 subscription would be traded from now on: out (flat long) to one (1)",
      /^less: 2 subscriptions would not be traded any longer: /,
      "differently: strategy one (1): exits true instead of false; exit_age_ms_max no limit instead of as for openings",
    ],
  },
  {
    what: "an exit that no strategy takes",
    after: { signals: [signalRow(1, { exit_phrase: "OUT" })] },
    lines: [],
  },
])("a reference is compared: $what", ({ after, lines }) => {
  const found = compared(after);
  expect(found).toHaveLength(lines.length);
  for (const [at, line] of lines.entries()) expect(found[at]).toMatch(line);
});

test("of many, ten are named and the others counted", () => {
  const tickers = Array.from({ length: 13 }, (_, at) => tickerRow(`T${at + 10}`));
  const [more = ""] = compared({ tickers: [...ROWS.tickers, ...tickers] });
  expect(more).toMatch(/^more: 13 tickers .*: T10, .*T19 and 3 more$/);
});
