import type { SignalContext } from "../functions/process-signals.ts";
import type { Entry, Fields } from "../shared/entry.ts";
import { sharedFields, type Branch, type Result } from "../shared/function.ts";
import { signalRecordSchema, type SignalRecord } from "../shared/records.ts";
import { buildReference } from "../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../shared/reference/snapshot.ts";

/** Builders of test data: each result is complete and valid unless the test changes it. */

/** The default time of tests, milliseconds since 1970. */
export const NOW = Date.UTC(2025, 0, 15, 12);

type TickerRow = ReferenceRows["tickers"][number];
type SignalRow = ReferenceRows["signals"][number];
type StrategyRow = ReferenceRows["strategies"][number];

/** The paused strategies: ids, or `*` for all. */
export type Paused = ReadonlySet<number | "*">;

export function tickerRow(symbol: string, changes: Partial<TickerRow> = {}): TickerRow {
  return { symbol, status: "enabled", trade_permission: "enabled", exchanges: null, ...changes };
}

/** A signal whose phrases are `SIGNAL_<id>_LONG` and `SIGNAL_<id>_SHORT`. */
export function signalRow(id: number, changes: Partial<SignalRow> = {}): SignalRow {
  return {
    id,
    name: `signal ${id}`,
    long_phrase: `SIGNAL_${id}_LONG`,
    short_phrase: `SIGNAL_${id}_SHORT`,
    exit_phrase: null,
    long_exit_phrase: null,
    short_exit_phrase: null,
    enabled: true,
    ...changes,
  };
}

/** A strategy with the defaults of its table: it accepts every signal it subscribes to. */
export function strategyRow(id: number, changes: Partial<StrategyRow> = {}): StrategyRow {
  return {
    id,
    name: `strategy ${id}`,
    enabled: true,
    archived: false,
    allow_open: true,
    reverse: false,
    use_all_tickers: true,
    handler: "log",
    params: {},
    signal_age_ms_max: null,
    shadow: false,
    exits: false,
    exit_age_ms_max: null,
    ...changes,
  };
}

/** Rows of ticker BTCUSDT, signal 1 and strategy 10, which subscribes to it; `changes` replaces whole lists. */
export function referenceRows(changes: Partial<ReferenceRows> = {}): ReferenceRows {
  return {
    tickers: [tickerRow("BTCUSDT")],
    signals: [signalRow(1)],
    strategies: [strategyRow(10)],
    strategy_signals: [{ strategy_id: 10, signal_id: 1 }],
    strategy_tickers: [],
    ticker_aliases: [],
    webhook_sources: [],
    ...changes,
  };
}

/** The rows of {@link referenceRows} with these strategies, all subscribed to signal 1. */
export function rowsWithStrategies(strategies: readonly StrategyRow[], changes: Partial<ReferenceRows> = {}) {
  const links = strategies.map(({ id }) => ({ strategy_id: id, signal_id: 1 }));
  return referenceRows({ strategies: [...strategies], strategy_signals: links, ...changes });
}

/** The snapshot that `refresh-reference` makes of the rows. */
export function snapshotFrom(rows: ReferenceRows = referenceRows()): Snapshot {
  const { version, content } = buildReference(rows);
  return snapshotOf(version, content);
}

/** The fields of a signal that is dispatched to strategy 10 of {@link referenceRows}; undefined removes a field. */
export function signalFields(changes: Readonly<Record<string, string | undefined>> = {}): Fields {
  const fields = {
    message: "SIGNAL_1_LONG",
    symbol: "BTCUSDT",
    bar_time: "2025-01-15T11:59:00Z",
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

/** An entry added to its stream at `at`, a second before {@link NOW} by default. */
export function entryFrom(fields: Fields = signalFields(), { at = NOW - 1000, sequence = 0 } = {}): Entry {
  return { id: `${at}-${sequence}`, fields };
}

export interface ContextChanges extends Partial<Omit<SignalContext, "control">> {
  readonly rows?: ReferenceRows;
  readonly paused?: Paused;
}

/** The context of process-signals: the snapshot of the rows, {@link NOW}, no pauses, an age limit of five minutes. */
export function contextFrom({ rows, paused = new Set(), ...changes }: ContextChanges = {}): SignalContext {
  const pausedStrategies = new Set([...paused].filter((id) => id !== "*"));
  return {
    snapshot: snapshotFrom(rows),
    control: { epoch: "0", allPaused: paused.has("*"), pausedStrategies },
    now: NOW,
    signalAgeMsMax: 300_000,
    invocation: "live",
    ...changes,
  };
}

/** The effects of a result. @throws Error when it is not `done` */
export function effectsOf(result: Result | undefined) {
  if (result?.status !== "done") throw new Error(`expected a result "done", got ${JSON.stringify(result)}`);
  return result.effects;
}

/** The tasks of a branch, as entries of `strategy_input_stream`. */
export function tasksIn(branch: Branch): Fields[] {
  return branch.append
    .filter((append) => append.stream === "strategy_input_stream")
    .flatMap((append) => (append.each ?? [{}]).map((fields) => ({ ...fields, ...sharedFields(append) })));
}

/** The only record of a branch, as `persist-log` reads it. @throws Error when there is not exactly one */
export function recordIn(branch: Branch): SignalRecord {
  const published = branch.append.filter((append) => append.stream === "signal_results");
  if (published.length !== 1) throw new Error(`expected one record, found ${published.length}`);
  return signalRecordSchema.parse(JSON.parse(published[0]?.fields["data"] ?? ""));
}

/** The fields of a task for strategy 10 of {@link referenceRows}, dispatched at `atMs`. */
export function taskFields(atMs: number, changes: Readonly<Record<string, string>> = {}): Fields {
  const at = new Date(atMs).toISOString();
  return {
    strategy_id: "10",
    strategy: "strategy 10",
    signal_id: "1",
    symbol: "BTCUSDT",
    direction: "long",
    time: at,
    received_at: at,
    log_uid: "u1",
    source: "",
    entry_id: `${atMs}-0`,
    invocation: "live",
    snapshot: "v",
    sent_at: "",
    ...changes,
  };
}
