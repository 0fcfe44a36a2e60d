import { TIME_MS_MAX } from "../../entry.ts";
import type { AttemptRow, LogRows, OutcomeRow, UidRow } from "../../log-rows.ts";
import type { OutcomeRecord, ReportRecord } from "../../records.ts";
import type { Database } from "../postgres/database.ts";
import { columnsJson, rowsQuery, type Columns, type RowOf } from "../postgres/insert-statement.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { OUTCOME_COLUMNS } from "./log-tables.ts";

/** Rows of `signal_log_entries` beside a task's outcome, and records that name their task by a uid. */

/** Outcomes and reports about the newest dispatch of a uid. */
export type UidRows = Pick<LogRows, "uidOutcomes" | "reports">;

/** The same with the dispatch that each is about; `unmatched`: entries of `signal_results` whose uid leads to none. */
export interface Matched {
  readonly outcomes: readonly OutcomeRow[];
  readonly reports: readonly RowOf<typeof OUTCOME_COLUMNS>[];
  readonly unmatched: readonly string[];
}

const outcomeNames = Object.keys(OUTCOME_COLUMNS).join(", ");
const ASKED_COLUMNS = { uid: "text", strategy_id: "integer", at: "timestamptz" } as const satisfies Columns;

/**
 * The dispatch that each is about: the newest one before it, so that a forced replay after it changes nothing; decisions are
 * up to 2 s ahead of their commit. Without one, as after Redis' clock was set back, the newest. `shard || ''` as in log-retention.ts.
 * `retry`: its newest run before it, when that was a retry; one that is not logged yet is known by its invocation.
 */
const dispatchesStatement = (table: NameTable): string => `
  SELECT asked.number, found.entry_id, found.invocation, COALESCE(run.part, '') AS retry
  FROM (${rowsQuery(ASKED_COLUMNS, "$2")}) asked, LATERAL (
    SELECT log.entry_id, log.invocation FROM ${table("signal_log")} log
    WHERE log.uid = asked.uid AND log.shard || '' = $1 AND EXISTS (
      SELECT FROM ${table("signal_log_entries")} o
      WHERE o.shard = $1 AND o.entry_id = log.entry_id AND o.invocation = log.invocation
        AND o.strategy_id = asked.strategy_id AND o.stage = 'routing' AND o.part = '' AND o.status = 'dispatched'
    )
    ORDER BY log.decided_at > asked.at + interval '2 s', log.decided_at DESC, log.invocation LIMIT 1
  ) found LEFT JOIN LATERAL (
    SELECT o.part, o.at FROM ${table("signal_log_entries")} o
    WHERE o.shard = $1 AND o.entry_id = found.entry_id AND o.invocation = found.invocation
      AND o.strategy_id = asked.strategy_id AND o.stage = 'execution' AND o.status = 'delegated'
      AND o.at <= asked.at + interval '2 s'
    UNION ALL
    SELECT i.id, i.started_at FROM ${table("invocations")} i
    WHERE i.kind = 'retry' AND i.selection ->> 'entry_id' = found.entry_id AND i.selection ->> 'shard' = $1
      AND i.selection ->> 'invocation' = found.invocation
      AND i.selection ->> 'strategy_id' = asked.strategy_id::text AND i.started_at <= asked.at
    ORDER BY at DESC, part LIMIT 1
  ) run ON true`;

const rowsStatement = (table: NameTable): string => `
  INSERT INTO ${table("signal_log_entries")} (shard, ${outcomeNames})
  SELECT $1, ${outcomeNames} FROM (${rowsQuery(OUTCOME_COLUMNS, "$2")}) given
  ORDER BY entry_id, invocation, strategy_id, stage, part ON CONFLICT DO NOTHING`;

/** Finds the dispatches that rows by uid are about. @throws DatabaseError */
export async function matchedIn(
  db: Database,
  shard: string,
  { uidOutcomes, reports }: UidRows,
): Promise<Matched> {
  const all: readonly UidRow<OutcomeRecord | ReportRecord>[] = [...uidOutcomes, ...reports];
  if (all.length === 0) return NONE;
  const asked = all.map(({ uid, reportedAt, record }) => ({
    uid,
    strategy_id: record.strategy_id,
    at: new Date(Math.min(reportedAt, TIME_MS_MAX)).toISOString(),
  }));
  const params = [shard, columnsJson(ASKED_COLUMNS, asked)];
  const found = await db.query<Dispatch & { readonly number: number | string }>(
    dispatchesStatement(db.table),
    params,
  );
  const dispatches = new Map(found.map(({ number, ...dispatch }) => [Number(number) - 1, dispatch]));
  return {
    outcomes: uidOutcomes.flatMap(({ record, reportedAt }, i) => {
      const dispatch = dispatches.get(i);
      if (dispatch === undefined) return [];
      const { entry_id: entryId, invocation, retry } = dispatch;
      const ended = { ...record, at: endOf(record, reportedAt) };
      return [{ entryId, invocation, record: retry === "" ? ended : { retry, ...ended } }];
    }),
    reports: reports.flatMap(({ record }, i) => {
      const dispatch = dispatches.get(uidOutcomes.length + i);
      return dispatch === undefined ? [] : [reportRow(dispatch, record)];
    }),
    unmatched: all.flatMap(({ resultId }, i) => (dispatches.has(i) ? [] : [resultId])),
  };
}

/** A clock that is ahead would make it newer than every retry. */
function endOf({ at }: OutcomeRecord, reportedAt: number): string {
  const latest = Math.min(reportedAt + AHEAD_MS_MAX, TIME_MS_MAX);
  return Date.parse(at) <= latest ? at : new Date(Math.min(reportedAt, TIME_MS_MAX)).toISOString();
}

const AHEAD_MS_MAX = 5_000;

const NONE: Matched = { outcomes: [], reports: [], unmatched: [] };

interface Dispatch {
  readonly entry_id: string;
  readonly invocation: string;
  /** Empty: the first run. */
  readonly retry: string;
}

/** Stores attempts and reports that are not stored yet. @throws DatabaseError */
export async function storeWorkerRows(
  db: Database,
  shard: string,
  { attempts, reports }: { readonly attempts: readonly AttemptRow[]; readonly reports: Matched["reports"] },
): Promise<void> {
  const rows = [...attempts.map(attemptRow), ...reports];
  if (rows.length > 0) await db.query(rowsStatement(db.table), [shard, columnsJson(OUTCOME_COLUMNS, rows)]);
}

function attemptRow({ entryId, invocation, part, record }: AttemptRow): RowOf<typeof OUTCOME_COLUMNS> {
  return {
    entry_id: entryId,
    invocation,
    strategy_id: record.strategy_id,
    stage: "attempt",
    status: record.status,
    reason: record.reason,
    detail: record.detail,
    attempt: record.attempt,
    duration_ms: record.duration_ms,
    at: record.at,
    part,
  };
}

/** Two streams may give the same id, so the part of a report names both. */
function reportRow({ entry_id, invocation }: Dispatch, record: ReportRecord): RowOf<typeof OUTCOME_COLUMNS> {
  return {
    entry_id,
    invocation,
    strategy_id: record.strategy_id,
    stage: "report",
    status: record.status,
    reason: null,
    detail: record.detail,
    attempt: null,
    duration_ms: null,
    at: record.at,
    part: `${record.report_id} ${record.stream}`,
  };
}
