import {
  EXECUTION_STATUSES,
  ROUTING_STATUSES,
  SIGNAL_REASONS,
  SIGNAL_STATUSES,
  STRATEGY_REASONS,
  type ExecutionStatus,
  type RoutingStatus,
  type SignalStatus,
  type StrategyReason,
} from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** The SQL of a search in `signal_log`, and what can be searched for. */

/** Every status a search may name: first those of signals, then those that only outcomes have. */
export const SEARCH_STATUSES = [
  ...new Set([...SIGNAL_STATUSES, ...ROUTING_STATUSES, ...EXECUTION_STATUSES]),
] as const;
/** The same for reasons. */
export const SEARCH_REASONS = [...new Set([...SIGNAL_REASONS, ...STRATEGY_REASONS])] as const;

/** Conditions of a search; all that are given must hold. */
export interface SignalSearch {
  readonly uid?: string | undefined;
  /** Normalised. */
  readonly symbol?: string | undefined;
  /** Of the signal, or of any of its outcomes if only outcomes have this status; with a strategy, also of its outcome. */
  readonly status?: SignalStatus | RoutingStatus | ExecutionStatus | undefined;
  /** In the same way. */
  readonly reason?: StrategyReason | undefined;
  /** Id of a strategy that has an outcome for the signal. */
  readonly strategy?: number | undefined;
  readonly invocation?: string | undefined;
  /** Decided at this time or later, milliseconds since 1970. */
  readonly from?: number | undefined;
  /** Decided before this time. */
  readonly to?: number | undefined;
}

/** The position of a decision in the order of a search. */
export interface SearchKey {
  /** ISO 8601, UTC, to the microsecond. */
  readonly decidedAt: string;
  readonly entryId: string;
  readonly invocation: string;
}

export interface SearchPage {
  readonly countMax: number;
  /** The last one of the page before. */
  readonly after?: SearchKey | undefined;
}

/** Characters of a producer's text in an answer. */
const TEXT_LENGTH_MAX = 200;

/** An entry id as text that sorts like ids in Redis: both halves padded to 20 digits. */
export const NUMERIC_ENTRY_ID = `(
  lpad(split_part(entry_id, '-', 1), 20, '0') || lpad(split_part(entry_id, '-', 2), 20, '0')) COLLATE "C"`;

/** One statement with a parameter for each value; it reads one row more than the page holds, to know whether there is one. */
export function searchStatement(
  table: NameTable,
  shard: string,
  search: SignalSearch,
  { countMax, after }: SearchPage,
): { readonly sql: string; readonly params: readonly unknown[] } {
  const params: unknown[] = [];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const conditions = [`shard = ${given(shard)}`];
  const { uid, symbol, invocation, from, to } = search;
  if (uid !== undefined) conditions.push(`uid = ${given(uid)}`);
  if (symbol !== undefined) conditions.push(`symbol = ${given(symbol)}`);
  if (invocation !== undefined) conditions.push(...ofInvocation(table, given(invocation)));
  if (from !== undefined) conditions.push(`decided_at >= ${given(timeOf(from))}::timestamptz`);
  if (to !== undefined) conditions.push(`decided_at < ${given(timeOf(to))}::timestamptz`);
  conditions.push(...withOutcome(table, search, given));
  if (after !== undefined) {
    const { decidedAt, entryId, invocation: lastInvocation } = after;
    const last = NUMERIC_ENTRY_ID.replaceAll("entry_id", `${given(entryId)}::text`);
    const key = `(${given(decidedAt)}::timestamptz, ${last}, ${given(lastInvocation)})`;
    conditions.push(`(decided_at, ${NUMERIC_ENTRY_ID}, invocation COLLATE "C") < ${key}`);
  }
  const sql = `
    SELECT entry_id, invocation, uid, status, reason, signal_id, direction, left(symbol, ${TEXT_LENGTH_MAX}) AS symbol,
      left(message, ${TEXT_LENGTH_MAX}) AS message, left(source, ${TEXT_LENGTH_MAX}) AS source, bar_time, decided_at, snapshot,
      duplicate_of, to_char(decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS decided_at_us
    FROM ${table("signal_log")} l WHERE ${conditions.join(" AND ")}
    ORDER BY decided_at DESC, ${NUMERIC_ENTRY_ID} DESC, invocation COLLATE "C" DESC
    LIMIT ${given(countMax + 1)}`;
  return { sql, params };
}

/** There is no index by invocation, but a manual run decides nothing before it starts. */
function ofInvocation(table: NameTable, id: string): string[] {
  const start = `SELECT started_at - interval '1 minute' FROM ${table("invocations")} WHERE id = ${id}`;
  return [`invocation = ${id}`, `decided_at >= coalesce((${start}), '-infinity')`];
}

/** Which values each table can contain. A reason that stops a whole signal is also the reason of its outcomes. */
const VALUES = {
  status: {
    signals: new Set<string>(SIGNAL_STATUSES),
    outcomes: new Set<string>([...ROUTING_STATUSES, ...EXECUTION_STATUSES]),
  },
  reason: {
    // A signal with the reason `shadow` has a strategy with it; the reverse is not so.
    signals: new Set<string>(SIGNAL_REASONS.filter((reason) => reason !== "shadow")),
    outcomes: new Set<string>(SEARCH_REASONS),
  },
} as const;

/** Status, reason and strategy; all conditions on outcomes must hold for the same outcome. */
function withOutcome(table: NameTable, search: SignalSearch, given: (value: unknown) => string): string[] {
  const { strategy } = search;
  const ofSignal: string[] = [];
  const ofOutcome: string[] = [];
  if (strategy !== undefined) ofOutcome.push(`o.strategy_id = ${given(strategy)}`);
  for (const column of ["status", "reason"] as const) {
    const value = search[column];
    if (value === undefined) continue;
    const parameter = given(value);
    const { signals, outcomes } = VALUES[column];
    const inSignal = signals.has(value) ? [`l.${column} = ${parameter}`] : [];
    const inOutcome = outcomes.has(value) ? [`o.${column} = ${parameter}`] : [];
    if (strategy !== undefined) ofOutcome.push(`(${[...inSignal, ...inOutcome].join(" OR ")})`);
    else if (inSignal.length > 0) ofSignal.push(...inSignal);
    else ofOutcome.push(...inOutcome);
  }
  if (ofOutcome.length === 0) return ofSignal;
  // Attempts are part of an outcome, and a worker's word is no status.
  const key =
    "o.shard = l.shard AND o.entry_id = l.entry_id AND o.invocation = l.invocation AND o.stage IN ('routing', 'execution')";
  return [
    ...ofSignal,
    `EXISTS (SELECT FROM ${table("signal_log_entries")} o WHERE ${[key, ...ofOutcome].join(" AND ")})`,
  ];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
