import { compareLogs, type ComparedLogs } from "../../../shared/compare/compare-logs.ts";
import type { OldSignal, OurSignal } from "../../../shared/compare/logged-signal.ts";
import { sharedPhrasesOf } from "../../../shared/compare/shared-phrases.ts";
import { NOW, signalRow } from "../../builders.ts";

/** Rows of two logs about signals 1 and 2; `SHARED` is a phrase of signals 3 and 4, `BOTH` is long for 5 and short for 6. */
const phrases = sharedPhrasesOf({
  signals: [
    signalRow(1),
    signalRow(2),
    signalRow(4, { long_phrase: "shared" }),
    signalRow(3, { long_phrase: "SHARED" }),
    signalRow(5, { long_phrase: "BOTH" }),
    signalRow(6, { short_phrase: "BOTH" }),
    signalRow(7, { long_phrase: "SIGNAL_1_LONG", enabled: false }),
  ],
  strategy_signals: [
    { strategy_id: 10, signal_id: 1 },
    { strategy_id: 20, signal_id: 1 },
    { strategy_id: 10, signal_id: 3 },
    { strategy_id: 20, signal_id: 4 },
  ],
});

/** A decision that dispatched signal 1 to strategies 10 and 20. */
export function ours(changes: Partial<OurSignal> = {}): OurSignal {
  const row = {
    id: "1-0",
    at: NOW,
    symbol: "BTCUSDT",
    signalId: 1,
    direction: "long" as const,
    message: "SIGNAL_1_LONG",
    barTime: NOW - 60_000,
    dispatched: true,
    status: "dispatched",
    reason: null,
    field: null,
    strategies: [10, 20],
    ...changes,
  };
  return { written: { message: row.message, symbol: row.symbol }, ...row, ...changes };
}

/** One that dispatched nothing, for this reason. */
export function ignored(reason: string, changes: Partial<OurSignal> = {}): OurSignal {
  return ours({ status: "ignored", reason, dispatched: false, strategies: [], ...changes });
}

/** What the router before logged about the same signal. */
export function oldOf(
  { status: _status, reason: _reason, field: _field, written: _written, ...row }: OurSignal,
  changes: Partial<OldSignal> = {},
) {
  return { ...row, id: "7", ...changes };
}

export interface Logs {
  readonly here: readonly OurSignal[];
  readonly there: readonly OldSignal[];
}

/** Compares two logs as a reader does, in the order of the times. */
export function compared({ here, there }: Logs, window = { from: 0, to: Infinity, edgeMs: 0 }): ComparedLogs {
  const comparison = compareLogs({ phrases, window, firstMax: 5 });
  const all = [
    ...here.map((row) => ({ at: row.at, add: () => comparison.addOurs(row) })),
    ...there.map((row) => ({ at: row.at, add: () => comparison.addOld(row) })),
  ];
  for (const { add } of all.toSorted((a, b) => a.at - b.at)) add();
  return comparison.finish();
}
