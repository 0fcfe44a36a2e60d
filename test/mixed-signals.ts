import type { Fields } from "../shared/entry.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "./builders.ts";

/** A reference and signals that together use every rule, for tests of the whole path. */

/** Rows with every kind of ticker, signal and strategy. */
export function mixedReference(): ReferenceRows {
  return referenceRows({
    tickers: [
      tickerRow("BTCUSDT"),
      tickerRow("ETHUSDT"),
      tickerRow("OFFUSDT", { status: "disabled" }),
      tickerRow("NOUSDT", { trade_permission: "disabled" }),
    ],
    signals: [
      signalRow(1, {
        exit_phrase: "SIGNAL_1_EXIT",
        long_exit_phrase: "SIGNAL_1_EXIT_LONG",
        short_exit_phrase: "SIGNAL_1_EXIT_SHORT",
      }),
      signalRow(2),
      signalRow(3, { enabled: false }),
      signalRow(4),
      signalRow(5),
    ],
    strategies: [
      strategyRow(10),
      strategyRow(11, { allow_open: false, reverse: true, exits: true }),
      strategyRow(12, { enabled: false }),
      strategyRow(13, { archived: true }),
      strategyRow(14, { allow_open: false, exits: true, exit_age_ms_max: 0 }),
      strategyRow(15, { use_all_tickers: false, exits: true }),
      strategyRow(16, { shadow: true, exits: true }),
      strategyRow(17, { exits: true }),
      strategyRow(18, { signal_age_ms_max: 60_000, exits: true, exit_age_ms_max: 900_000 }),
    ],
    strategy_signals: [
      ...[10, 11, 12, 13, 14, 15, 16, 17, 18].map((strategy_id) => ({ strategy_id, signal_id: 1 })),
      ...[12, 13].map((strategy_id) => ({ strategy_id, signal_id: 2 })),
      { strategy_id: 10, signal_id: 3 },
      { strategy_id: 17, signal_id: 4 },
    ],
    strategy_tickers: [{ strategy_id: 15, symbol: "ETHUSDT" }],
  });
}

/** The strategy that tests pause. */
export const PAUSED_STRATEGY = 17;

const FIVE_MINUTES = 300_000;

/** After so many signals of {@link mixedSignal} the mixture begins again, one bar earlier. */
export const MIXTURE = 24;

/** The signal at this index of a mixture: valid, repeated, unknown, disabled, stale, malformed, binary, huge, and exits. */
export function mixedSignal(i: number, now: number): Record<string, string | Buffer> {
  const bar = new Date(now - (now % 60_000) - (Math.floor(i / MIXTURE) % 5000) * 60_000).toISOString();
  const sent_at = new Date(now).toISOString();
  const valid = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: bar, sent_at };
  switch (i % MIXTURE) {
    case 0:
      return valid;
    case 1:
      return {
        ...valid,
        message: " signal_1_long ",
        symbol: "btcusdt.p",
        decision_time: "x",
        mirror_run_id: "7",
      };
    case 2:
      return { ...valid, message: "SIGNAL_1_SHORT", symbol: "ETHUSDT.P", source: "indicator" };
    case 3:
      return { ...valid, message: "SIGNAL_1_LONGG" };
    case 4:
      return { ...valid, symbol: "OFFUSDT" };
    case 5:
      return { ...valid, symbol: "NOUSDT" };
    case 6:
      return { ...valid, symbol: "NEWUSDT" };
    case 7:
      return { ...valid, message: "SIGNAL_2_LONG" };
    case 8:
      return { ...valid, message: "SIGNAL_3_LONG" };
    case 9:
      return { ...valid, message: "SIGNAL_4_SHORT" };
    case 10:
      return { ...valid, message: "SIGNAL_5_SHORT" };
    case 11:
      return { ...valid, bar_time: "yesterday at noon" };
    case 12:
      return { ...valid, bar_time: "2026-02-30T00:00:00Z" };
    case 13:
      return { ...valid, symbol: "  " };
    case 14:
      return { message: "SIGNAL_1_LONG" };
    case 15:
      return {
        ...valid,
        message: Buffer.from([0, 255, 254, 10, 0x80, i % 256]),
        symbol: Buffer.from([0xc3, 0x28, 0]),
      };
    case 16:
      return {
        ...valid,
        uid: givenUid(i),
        note: "x".repeat(100_000),
        message: "SIGNAL_1_SHORT",
      };
    case 17:
      return { ...valid, uid: `old-${i}`, sent_at: new Date(now - 2 * FIVE_MINUTES).toISOString() };
    case 18:
      return { ...valid, uid: `older-${i}`, sent_at: String(now - 2 * 60_000) };
    case 19:
      return { ...valid, message: "SIGNAL_1_EXIT", symbol: "OFFUSDT", qty: "0.10" };
    case 20:
      return { ...valid, message: "signal_1_exit_long", symbol: "ETHUSDT.P", stop: "41,000.5" };
    case 21:
      // The exit of case 16, with its uid.
      return { ...valid, message: " Signal_1_Exit_Short", uid: givenUid(i) };
    case 22:
      return {
        ...valid,
        message: "SIGNAL_1_EXIT",
        uid: `old-exit-${i}`,
        sent_at: new Date(now - 2 * FIVE_MINUTES).toISOString(),
      };
    default:
      return { ...valid, time: String(Date.parse(bar) / 1000), bar_time: "", sent_at: "tomorrow", uid: "" };
  }
}

/** A uid that openings and exits of three rounds bring. */
function givenUid(i: number): string {
  return `given-${Math.floor(i / (3 * MIXTURE))}`;
}

/** The fields as they are read from Redis: text, with U+FFFD for invalid bytes. */
export function asRead(fields: Readonly<Record<string, string | Buffer>>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.toString()]));
}
