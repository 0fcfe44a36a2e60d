import { EXECUTION_STATUSES, type ExecutionStatus } from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { NUMERIC_ENTRY_ID } from "./search-statement.ts";

/** The SQL of a list of executions, and what can be asked for. Conditions of it; all that are given must hold. */
export interface ExecutionSearch {
  /** What the tasks came to. */
  readonly status?: ExecutionStatus | undefined;
  /** A handler may have reasons of its own. */
  readonly reason?: string | undefined;
  readonly strategy?: number | undefined;
  /** Normalised. */
  readonly symbol?: string | undefined;
  /** Ended at this time or later, milliseconds since 1970. */
  readonly from?: number | undefined;
  /** Ended before this time. */
  readonly to?: number | undefined;
}

/** The position of an execution in the order of a list. */
export interface ExecutionKey {
  /** ISO 8601, UTC, to the microsecond. */
  readonly at: string;
  readonly entryId: string;
  readonly invocation: string;
  readonly strategyId: number;
}

export interface ExecutionPage {
  readonly countMax: number;
  /** The last one of the page before. */
  readonly after?: ExecutionKey | undefined;
}

/** Characters of a text in an answer. */
const TEXT_LENGTH_MAX = 500;

const ORDER = `at DESC, ${NUMERIC_ENTRY_ID} DESC, invocation COLLATE "C" DESC, strategy_id DESC`;

/**
 * One statement, which reads one row more than the page holds. Each status has a query of its own, which goes along the index of
 * executions in the order of the list and ends with the page. With five million rows a page takes some milliseconds.
 */
export function executionsStatement(
  table: NameTable,
  shard: string,
  search: ExecutionSearch,
  { countMax, after }: ExecutionPage,
): { readonly sql: string; readonly params: readonly unknown[] } {
  const params: unknown[] = [];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const conditions = [`e.shard = ${given(shard)}`, "e.stage = 'execution'"];
  const { status, reason, strategy, symbol, from, to } = search;
  if (reason !== undefined) conditions.push(`e.reason = ${given(reason)}`);
  if (strategy !== undefined) conditions.push(`e.strategy_id = ${given(strategy)}`);
  if (symbol !== undefined) conditions.push(`l.symbol = ${given(symbol)}`);
  if (from !== undefined) conditions.push(`e.at >= ${given(timeOf(from))}::timestamptz`);
  if (to !== undefined) conditions.push(`e.at < ${given(timeOf(to))}::timestamptz`);
  if (after !== undefined) {
    const { at, entryId, invocation, strategyId } = after;
    const last = NUMERIC_ENTRY_ID.replaceAll("entry_id", `${given(entryId)}::text`);
    const key = `(${given(at)}::timestamptz, ${last}, ${given(invocation)}, ${given(strategyId)}::integer)`;
    const own = NUMERIC_ENTRY_ID.replaceAll("entry_id", "e.entry_id");
    conditions.push(`(e.at, ${own}, e.invocation COLLATE "C", e.strategy_id) < ${key}`);
  }
  const limit = `LIMIT ${given(countMax + 1)}`;
  const ofStatus = (one: string): string => `(
    SELECT e.entry_id, e.invocation, e.strategy_id, e.part, e.status, e.reason, e.detail, e.attempt, e.duration_ms, e.at,
      l.uid, l.symbol, l.direction, l.message
    FROM ${table("signal_log_entries")} e
      LEFT JOIN ${table("signal_log")} l
        ON l.shard = e.shard AND l.entry_id = e.entry_id AND l.invocation = e.invocation
      LEFT JOIN LATERAL (${newerRun(table)}) newer ON true
    WHERE ${conditions.join(" AND ")} AND e.status = ${given(one)} AND newer.part IS NULL
    ORDER BY ${ORDER.replaceAll(/\b(at|entry_id|invocation|strategy_id)\b/g, "e.$1")} ${limit}
  )`;
  const statuses = status === undefined ? EXECUTION_STATUSES : [status];
  const sql = `
    SELECT found.entry_id, found.invocation, found.strategy_id, s.name AS strategy, NULLIF(found.part, '') AS retry, found.status,
      found.reason, left(found.detail ->> 'error', ${TEXT_LENGTH_MAX}) AS error, found.attempt, found.duration_ms, found.at, found.uid,
      left(found.symbol, ${TEXT_LENGTH_MAX}) AS symbol, found.direction, left(found.message, ${TEXT_LENGTH_MAX}) AS message,
      to_char(found.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at_us
    FROM (SELECT * FROM (${statuses.map(ofStatus).join(" UNION ALL ")}) ended ORDER BY ${ORDER} ${limit}) found
      LEFT JOIN ${table("strategies")} s ON s.id = found.strategy_id
    ORDER BY ${ORDER.replaceAll(/\b(at|entry_id|invocation|strategy_id)\b/g, "found.$1")}`;
  return { sql, params };
}

/** A later run of the same task: then that one says what it came to. LIMIT makes Postgres look it up row by row. */
const newerRun = (table: NameTable): string => `
  SELECT n.part FROM ${table("signal_log_entries")} n
  WHERE n.shard = e.shard AND n.entry_id = e.entry_id AND n.invocation = e.invocation AND n.strategy_id = e.strategy_id
    AND n.stage = 'execution' AND (n.at, n.part COLLATE "C") > (e.at, e.part COLLATE "C") LIMIT 1`;

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
