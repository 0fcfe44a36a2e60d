import type { SignalContext } from "../functions/process-signals.ts";
import type { Entry, Fields } from "../shared/entry.ts";
import { sharedFields, type Branch, type Result } from "../shared/function.ts";
import { signalRecordSchema, type SignalRecord } from "../shared/records.ts";
import { buildReference } from "../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../shared/reference/snapshot.ts";

/** Things tests are made of, each complete and valid unless the test says otherwise. */

/** A moment for tests that need no other one, milliseconds since 1970. */
export const NOW = Date.UTC(2025, 0, 15, 12);

type TickerRow = ReferenceRows["tickers"][number];
type SignalRow = ReferenceRows["signals"][number];
type StrategyRow = ReferenceRows["strategies"][number];

/** Who is paused: ids of strategies, `*` for all of them. */
export type Paused = ReadonlySet<number | "*">;

export function tickerRow(symbol: string, changes: Partial<TickerRow> = {}): TickerRow {
  return { symbol, status: "enabled", trade_permission: "enabled", ...changes };
}

/** A signal whose phrases are `SIGNAL_<id>_LONG` and `SIGNAL_<id>_SHORT`. */
export function signalRow(id: number, changes: Partial<SignalRow> = {}): SignalRow {
  return {
    id,
    name: `signal ${id}`,
    long_phrase: `SIGNAL_${id}_LONG`,
    short_phrase: `SIGNAL_${id}_SHORT`,
    enabled: true,
    ...changes,
  };
}

/** A strategy with the defaults of its table: it takes every signal it subscribes to. */
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
    ...changes,
  };
}

/** Rows of ticker BTCUSDT, signal 1 and strategy 10, which subscribes to it; any list can be replaced. */
export function referenceRows(changes: Partial<ReferenceRows> = {}): ReferenceRows {
  return {
    tickers: [tickerRow("BTCUSDT")],
    signals: [signalRow(1)],
    strategies: [strategyRow(10)],
    strategy_signals: [{ strategy_id: 10, signal_id: 1 }],
    strategy_tickers: [],
    ...changes,
  };
}

/** The rows of {@link referenceRows} with these strategies, all of them subscribed to signal 1. */
export function rowsWithStrategies(strategies: readonly StrategyRow[], changes: Partial<ReferenceRows> = {}) {
  const links = strategies.map(({ id }) => ({ strategy_id: id, signal_id: 1 }));
  return referenceRows({ strategies: [...strategies], strategy_signals: links, ...changes });
}

/** The snapshot the rows become on their way through `refresh-reference`. */
export function snapshotFrom(rows: ReferenceRows = referenceRows()): Snapshot {
  const { version, content } = buildReference(rows);
  return snapshotOf(version, content);
}

/** The fields of a signal that strategy 10 of {@link referenceRows} is given; undefined takes a field away. */
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

/** What process-signals needs: the snapshot of the rows, {@link NOW}, nobody paused, signals of up to five minutes. */
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

/** The effects of a result that has some. */
export function effectsOf(result: Result | undefined) {
  if (result?.status !== "done") throw new Error(`not done: ${JSON.stringify(result)}`);
  return result.effects;
}

/** The tasks a branch hands on, as the entries of `strategy_input_stream` they become. */
export function tasksIn(branch: Branch): Fields[] {
  return branch.append
    .filter((append) => append.stream === "strategy_input_stream")
    .flatMap((append) => (append.each ?? [{}]).map((own) => ({ ...own, ...sharedFields(append) })));
}

/** The one record a branch publishes, as `persist-log` reads it. */
export function recordIn(branch: Branch): SignalRecord {
  const published = branch.append.filter((append) => append.stream === "signal_results");
  if (published.length !== 1) throw new Error(`${published.length} records instead of one`);
  return signalRecordSchema.parse(JSON.parse(published[0]?.fields["data"] ?? ""));
}

/** The fields of a task for strategy 10 of {@link referenceRows}, dispatched a moment ago. */
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
