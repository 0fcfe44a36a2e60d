import type {
  LoggedTask,
  TaskAttempt,
  TaskDecision,
  TaskRetry,
  TaskRun,
} from "../../executions/logged-task.ts";
import { withNotedOrder } from "../../signal/extra.ts";
import type { Detail } from "../../signal/signal.ts";
import { storable } from "../../text.ts";
import type { Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** One strategy's task in one invocation. */
export interface TaskOfInvocation {
  readonly strategyId: number;
  readonly invocation: string;
}

/** The tasks that were dispatched for one entry, with what became of them, as the log of one shard has them. */
export interface EntryExecutions {
  /** Those of `live` first, then those of the newest invocations. */
  readonly tasks: readonly LoggedTask[];
  /** Strategies that got no task: why, by invocation. */
  readonly undispatched: readonly Undispatched[];
  /** Whether the log has a decision on the entry. */
  readonly decided: boolean;
  /** There is more than this. */
  readonly truncated: boolean;
}

export interface Undispatched {
  readonly invocation: string;
  readonly strategyId: number;
  readonly strategy: string | null;
  readonly status: string;
  readonly reason: string | null;
}

const DECISIONS_MAX = 50;
const ROWS_MAX = 5_000;

/** `of`: a condition on the task that is asked for; empty: all are. */
const decisionsOf = (table: NameTable, of: string): string => `
  SELECT l.invocation, l.uid, l.signal_id, l.direction, l.side, l.symbol, l.source, l.raw, l.detail, l.bar_time,
    l.sent_at, l.received_at, l.decided_at, l.snapshot, i.kind, i.mode, i.started_at
  FROM ${table("signal_log")} l LEFT JOIN ${table("invocations")} i ON i.id = l.invocation
  WHERE l.shard = $1 AND l.entry_id = $2 ${of}
  ORDER BY l.invocation = 'live' DESC, l.decided_at DESC, l.invocation LIMIT ${DECISIONS_MAX + 1}`;

const rowsOf = (table: NameTable, of: string): string => `
  SELECT e.invocation, e.strategy_id, s.name AS strategy, e.stage, e.part, e.status, e.reason, e.detail, e.attempt, e.duration_ms,
    e.at, i.requested_by, i.reason AS requested_because, i.started_at
  FROM ${table("signal_log_entries")} e LEFT JOIN ${table("strategies")} s ON s.id = e.strategy_id
    LEFT JOIN ${table("invocations")} i ON e.stage = 'execution' AND i.id = e.part
  WHERE e.shard = $1 AND e.entry_id = $2 AND e.stage IN ('routing', 'attempt', 'execution') ${of}
  ORDER BY e.strategy_id, e.at, e.part COLLATE "C" LIMIT ${ROWS_MAX + 1}`;

const retriesOf = (table: NameTable, of: string): string => `
  SELECT id, requested_by, reason AS requested_because, started_at, selection ->> 'invocation' AS invocation,
    selection ->> 'strategy_id' AS strategy_id
  FROM ${table("invocations")}
  WHERE kind = 'retry' AND selection ->> 'entry_id' = $2 AND selection ->> 'shard' = $1 ${of}
  ORDER BY started_at, id LIMIT ${ROWS_MAX + 1}`;

/**
 * Reads them as of one moment: all of them, as many as an answer holds, or everything about one task alone.
 * @throws DatabaseError
 */
export async function readEntryExecutions(
  db: Database,
  shard: string,
  entryId: string,
  task?: TaskOfInvocation,
): Promise<EntryExecutions> {
  const entry = [shard, entryId];
  const [ofInvocation, ofTask, ofRetry] = task === undefined ? EVERY_TASK : ONE_TASK;
  const inInvocation = task === undefined ? entry : [...entry, storable(task.invocation)];
  const params = task === undefined ? entry : [...inInvocation, String(task.strategyId)];
  const { decisions, rows, retries } = await db.readOnly(async (query) => ({
    decisions: await query<DecisionRow>(decisionsOf(db.table, ofInvocation), inInvocation),
    rows: await query<EntryRow>(rowsOf(db.table, ofTask), params),
    retries: await query<RetryRow>(retriesOf(db.table, ofRetry), params),
  }));
  const shown = decisions.slice(0, DECISIONS_MAX);
  const routed = rows.filter(({ stage }) => stage === "routing");
  return {
    tasks: shown.flatMap((decision) =>
      routed
        .filter(({ invocation, status }) => invocation === decision.invocation && status === "dispatched")
        .map((route) => taskOf(entryId, decision, { route, rows, retries })),
    ),
    undispatched: routed
      .filter(({ status }) => status !== "dispatched")
      .map(({ invocation, strategy_id: strategyId, strategy, status, reason }) => ({
        invocation,
        strategyId,
        strategy,
        status,
        reason,
      })),
    decided: decisions.length > 0,
    truncated: decisions.length > DECISIONS_MAX || rows.length > ROWS_MAX || retries.length > ROWS_MAX,
  };
}

const EVERY_TASK = ["", "", ""] as const;
const ONE_TASK = [
  "AND l.invocation = $3",
  "AND e.invocation = $3 AND e.strategy_id = $4::text::integer",
  "AND selection ->> 'invocation' = $3 AND selection ->> 'strategy_id' = $4",
] as const;

interface Requested {
  readonly requested_by: string | null;
  readonly requested_because: string | null;
  readonly started_at: Date | null;
}

interface DecisionRow extends Omit<
  TaskDecision,
  "bar_time" | "sent_at" | "received_at" | "decided_at" | "forcedAt"
> {
  readonly invocation: string;
  readonly detail: Detail;
  readonly bar_time: Date | null;
  readonly sent_at: Date | null;
  readonly received_at: Date;
  readonly decided_at: Date;
  readonly kind: string | null;
  readonly mode: string | null;
  readonly started_at: Date | null;
}

interface EntryRow extends Requested, Pick<TaskRun, "status" | "reason" | "detail" | "attempt"> {
  readonly invocation: string;
  readonly strategy_id: number;
  readonly strategy: string | null;
  readonly stage: string;
  readonly part: string;
  readonly duration_ms: number | null;
  readonly at: Date;
}

interface RetryRow extends Requested {
  readonly id: string;
  readonly invocation: string;
  readonly strategy_id: string;
}

interface Found {
  readonly route: EntryRow;
  readonly rows: readonly EntryRow[];
  readonly retries: readonly RetryRow[];
}

function taskOf(entryId: string, row: DecisionRow, { route, rows, retries }: Found): LoggedTask {
  const { invocation, strategy_id: strategyId, strategy } = route;
  const isOfTask = (one: { readonly invocation: string; readonly strategy_id: number | string }): boolean =>
    one.invocation === invocation && Number(one.strategy_id) === strategyId;
  const own = rows.filter(isOfTask);
  return {
    entryId,
    invocation,
    strategyId,
    strategy,
    decision: decisionOf(row),
    runs: own.filter(({ stage }) => stage === "execution").map(runOf),
    attempts: own.filter(({ stage }) => stage === "attempt").map(attemptOf),
    retries: retries.filter(isOfTask).map((retry) => retryOf(retry.id, retry)),
  };
}

function decisionOf({ invocation, kind, mode, started_at, detail, ...row }: DecisionRow): TaskDecision {
  const forced = kind === "replay" && mode === "force" ? (started_at?.getTime() ?? null) : null;
  return {
    ...row,
    raw: withNotedOrder(row.raw, detail),
    bar_time: row.bar_time?.toISOString() ?? null,
    sent_at: row.sent_at?.toISOString() ?? null,
    received_at: row.received_at.toISOString(),
    decided_at: row.decided_at.toISOString(),
    forcedAt: invocation === "live" || kind !== null ? forced : undefined,
  };
}

function runOf(row: EntryRow): TaskRun {
  return { ...attemptOf(row), status: row.status, retry: row.part === "" ? null : retryOf(row.part, row) };
}

function attemptOf({ reason, detail, attempt, duration_ms: durationMs, at }: EntryRow): TaskAttempt {
  return { reason, detail, attempt, durationMs, at: at.toISOString() };
}

function retryOf(
  id: string,
  { requested_by: by, requested_because: reason, started_at }: Requested,
): TaskRetry {
  return { id, by, reason, at: started_at?.toISOString() ?? null };
}
