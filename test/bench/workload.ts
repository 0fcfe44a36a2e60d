import type { Redis } from "ioredis";
import { refreshReference } from "../../functions/refresh-reference.ts";
import type { Fields } from "../../shared/entry.ts";
import { pause } from "../../shared/io/reference/control-store.ts";
import { referenceStoreOn } from "../../shared/io/reference/reference-store.ts";
import type { Keys } from "../../shared/keys.ts";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { signalRow, strategyRow, tickerRow } from "../builders.ts";

/** The reference data of a workload. */
export interface WorkloadShape {
  /** Every tenth is disabled. */
  readonly tickers: number;
  /** Each has two phrases. */
  readonly signals: number;
  readonly strategies: number;
  readonly strategiesPerSignal: number;
  /** How many of a signal's strategies are paused. */
  readonly pausedPerSignal: number;
  /** Every signal is sent twice in a row, so half of them are duplicates. */
  readonly inPairs?: boolean;
  /** What comes along with each signal. */
  readonly extra?: Fields;
}

/** A realistic set: 40 phrases with five strategies each, one of which is paused. */
export const WORKLOAD: WorkloadShape = {
  tickers: 200,
  signals: 20,
  strategies: 100,
  strategiesPerSignal: 5,
  pausedPerSignal: 1,
};

const DISABLED_EVERY = 10;
/** One-minute bars, all different, so that no two signals have the same uid. */
const FIRST_BAR = Date.UTC(2020, 0, 1);
const BAR_MS = 60_000;
const ADDED_PER_ROUND_TRIP = 1_000;

export function referenceOf(shape: WorkloadShape): ReferenceRows {
  const links: { strategy_id: number; signal_id: number }[] = [];
  for (let signal = 1; signal <= shape.signals; signal += 1) {
    for (const strategy of subscribersOf(shape, signal))
      links.push({ strategy_id: strategy, signal_id: signal });
  }
  return {
    tickers: range(shape.tickers).map((i) =>
      tickerRow(symbolOf(i), { status: i % DISABLED_EVERY === 0 ? "disabled" : "enabled" }),
    ),
    signals: range(shape.signals).map((i) => signalRow(i + 1)),
    strategies: range(shape.strategies).map((i) => strategyRow(i + 1)),
    strategy_signals: links,
    strategy_tickers: [],
    ticker_aliases: [],
    webhook_sources: [],
  };
}

/** Publishes the reference as a refresh does, and pauses the strategies that the shape names. */
export async function publishReference(redis: Redis, keys: Keys, shape: WorkloadShape): Promise<void> {
  const rows = referenceOf(shape);
  await refreshReference({
    source: { load: async () => rows, save: async () => undefined },
    store: referenceStoreOn(redis, keys),
    now: Date.now,
  });
  for (const strategy of pausedStrategies(shape)) {
    await pause(redis, keys, strategy, { by: "bench", at: Date.now() });
  }
}

export function pausedStrategies(shape: WorkloadShape): Set<number> {
  const signals = range(shape.signals).map((i) => i + 1);
  return new Set(signals.flatMap((signal) => subscribersOf(shape, signal).slice(0, shape.pausedPerSignal)));
}

/** The signal at this index, with the fields of an alert that came through the webhook. */
export function signalAt(index: number, shape: WorkloadShape, now: number): Fields {
  const i = shape.inPairs === true ? index >> 1 : index;
  const phrase = i % (shape.signals * 2);
  const direction = phrase % 2 === 0 ? "LONG" : "SHORT";
  const at = new Date(now).toISOString();
  return {
    message: `SIGNAL_${(phrase >> 1) + 1}_${direction}`,
    // Not in step with the phrases, so that each phrase meets every ticker.
    symbol: symbolOf((i * 7 + Math.floor(i / shape.tickers)) % shape.tickers),
    bar_time: new Date(FIRST_BAR + i * BAR_MS).toISOString(),
    sent_at: at,
    source: "tradingview",
    ...shape.extra,
    received_at: at,
  };
}

/** Number of tasks of the first `count` signals. */
export function tasksOf(count: number, shape: WorkloadShape): number {
  const perSignal = shape.strategiesPerSignal - shape.pausedPerSignal;
  return acceptedOf(count, shape) * perSignal;
}

/** Number of the first `count` signals that have an enabled ticker and are no duplicates. */
function acceptedOf(count: number, shape: WorkloadShape): number {
  const disabled = new Set(
    range(shape.tickers)
      .filter((i) => i % DISABLED_EVERY === 0)
      .map(symbolOf),
  );
  let accepted = 0;
  for (let i = 0; i < count; i += shape.inPairs === true ? 2 : 1) {
    if (!disabled.has(signalAt(i, shape, 0)["symbol"] ?? "")) accepted += 1;
  }
  return accepted;
}

/** Adds the first `count` signals to the stream. */
export async function addSignals(
  redis: Redis,
  keys: Keys,
  { count, shape }: { count: number; shape: WorkloadShape },
): Promise<void> {
  const stream = keys.stream("signals_stream");
  for (let from = 0; from < count; from += ADDED_PER_ROUND_TRIP) {
    const pipeline = redis.pipeline();
    for (let i = from; i < Math.min(from + ADDED_PER_ROUND_TRIP, count); i += 1) {
      pipeline.xadd(stream, "*", ...Object.entries(signalAt(i, shape, Date.now())).flat());
    }
    for (const [error] of (await pipeline.exec()) ?? []) {
      if (error !== null) throw error;
    }
  }
}

function subscribersOf(shape: WorkloadShape, signal: number): number[] {
  const first = (signal - 1) * shape.strategiesPerSignal;
  return range(shape.strategiesPerSignal).map((i) => ((first + i) % shape.strategies) + 1);
}

function symbolOf(i: number): string {
  return `TICK${i}USDT`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
