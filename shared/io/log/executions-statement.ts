import { EXECUTION_STATUSES, type ExecutionStatus } from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { newerRun, NUMERIC_ENTRY_ID } from "./search-statement.ts";

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

const SORTED = "at DESC, sort_id DESC, sort_invocation DESC, strategy_id DESC";
const SORT_ID = NUMERIC_ENTRY_ID.replaceAll("entry_id", "e.entry_id");

/** The decision on the entry of a row. LIMIT makes Postgres look it up row by row. */
const signalOf = (table: NameTable, row: string): string => `
  ${table("signal_log")} l
  WHERE l.shard = ${row}.shard AND l.entry_id = ${row}.entry_id AND l.invocation = ${row}.invocation LIMIT 1`;

/**
 * One statement, which reads one row more than the page holds. Each status has a query of its own, which goes along the index of
 * executions in the order of the list and ends with the page. It looks other rows up one by one: as joins, which Postgres may
 * make for the whole table first, a page of 2,400,000 rows took 38 s.
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
  const filters = [`(${newerRun(table, "e")}) IS NULL`];
  const { status, reason, strategy, symbol, from, to } = search;
  if (reason !== undefined) conditions.push(`e.reason = ${given(reason)}`);
  if (strategy !== undefined) conditions.push(`e.strategy_id = ${given(strategy)}`);
  if (from !== undefined) conditions.push(`e.at >= ${given(timeOf(from))}::timestamptz`);
  if (to !== undefined) conditions.push(`e.at < ${given(timeOf(to))}::timestamptz`);
  if (after !== undefined) {
    const { at, entryId, invocation, strategyId } = after;
    const last = NUMERIC_ENTRY_ID.replaceAll("entry_id", `${given(entryId)}::text`);
    const end = `${given(at)}::timestamptz`;
    const key = `(${end}, ${last}, ${given(invocation)}, ${given(strategyId)}::integer)`;
    // The first says where in the index the page begins.
    conditions.push(`e.at <= ${end}`);
    filters.push(`(e.at, e.sort_id, e.sort_invocation, e.strategy_id) < ${key}`);
  }
  if (symbol !== undefined) filters.push(`(SELECT l.symbol FROM ${signalOf(table, "e")}) = ${given(symbol)}`);
  const limit = `LIMIT ${given(countMax + 1)}`;
  // OFFSET 0 keeps the filters out of the inner query, whose plan is then to go along the index, whatever they select.
  const ofStatus = (one: string): string => `(
    SELECT * FROM (
      SELECT e.*, ${SORT_ID} AS sort_id, e.invocation COLLATE "C" AS sort_invocation
      FROM ${table("signal_log_entries")} e
      WHERE ${conditions.join(" AND ")} AND e.status = ${given(one)}
      ORDER BY ${SORTED} OFFSET 0
    ) e
    WHERE ${filters.join(" AND ")}
    ORDER BY ${SORTED} ${limit}
  )`;
  const statuses = status === undefined ? EXECUTION_STATUSES : [status];
  const sql = `
    SELECT found.entry_id, found.invocation, found.strategy_id, s.name AS strategy, NULLIF(found.part, '') AS retry, found.status,
      found.reason, left(found.detail ->> 'error', ${TEXT_LENGTH_MAX}) AS error, found.attempt, found.duration_ms, found.at, l.uid,
      left(l.symbol, ${TEXT_LENGTH_MAX}) AS symbol, l.direction, l.side, left(l.message, ${TEXT_LENGTH_MAX}) AS message,
      to_char(found.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at_us
    FROM (SELECT * FROM (${statuses.map(ofStatus).join(" UNION ALL ")}) ended ORDER BY ${SORTED} ${limit}) found
      LEFT JOIN LATERAL (SELECT l.* FROM ${signalOf(table, "found")}) l ON true
      LEFT JOIN ${table("strategies")} s ON s.id = found.strategy_id
    ORDER BY ${SORTED}`;
  return { sql, params };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
