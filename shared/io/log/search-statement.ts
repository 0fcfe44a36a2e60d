import {
  EXECUTION_REASONS,
  EXECUTION_STATUSES,
  ROUTING_STATUSES,
  SIGNAL_REASONS,
  SIGNAL_STATUSES,
  STRATEGY_REASONS,
  type ExecutionStatus,
  type RoutingStatus,
  type SignalStatus,
} from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { outcomesIn, signalsIn, withOwnOutcome, type Ordered } from "./search-source.ts";
import { microseconds } from "./timed-search.ts";

/** The SQL of a search in `signal_log`, and what can be searched for. */

/** Every status a search may name: first those of signals, then those that only outcomes have. */
export const SEARCH_STATUSES = [
  ...new Set([...SIGNAL_STATUSES, ...ROUTING_STATUSES, ...EXECUTION_STATUSES]),
] as const;
/** The same for reasons; handlers have more of their own. */
export const SEARCH_REASONS = [
  ...new Set([...SIGNAL_REASONS, ...STRATEGY_REASONS, ...EXECUTION_REASONS]),
] as const;

/** Conditions of a search; all that are given must hold. */
export interface SignalSearch {
  readonly uid?: string | undefined;
  /** Normalised. */
  readonly symbol?: string | undefined;
  /** Of the signal, or of any of its outcomes if only outcomes have this status; with a strategy, of its outcome. */
  readonly status?: SignalStatus | RoutingStatus | ExecutionStatus | undefined;
  /** In the same way; with a strategy it may be a handler's own. */
  readonly reason?: string | undefined;
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
  const { uid, symbol, invocation, from, to, strategy } = search;
  const source =
    strategy === undefined
      ? signalsIn(table, given(shard))
      : outcomesIn(table, { shard: given(shard), strategy: given(strategy), search });
  const { at, key } = source;
  const conditions = [...source.conditions];
  if (uid !== undefined) conditions.push(`l.uid = ${given(uid)}`);
  if (symbol !== undefined) conditions.push(`l.symbol = ${given(symbol)}`);
  if (invocation !== undefined) conditions.push(...ofInvocation(table, { at, key, id: given(invocation) }));
  if (from !== undefined) conditions.push(`${at} >= ${given(timeOf(from))}::timestamptz`);
  if (to !== undefined) conditions.push(`${at} < ${given(timeOf(to))}::timestamptz`);
  conditions.push(
    ...(strategy === undefined ? withOutcome(table, search, given) : withOwnOutcome(search, given)),
  );
  const entryId = NUMERIC_ENTRY_ID.replaceAll("entry_id", `${key}.entry_id`);
  if (after !== undefined) {
    const last = NUMERIC_ENTRY_ID.replaceAll("entry_id", `${given(after.entryId)}::text`);
    const position = `(${given(after.decidedAt)}::timestamptz, ${last}, ${given(after.invocation)})`;
    conditions.push(`(${at}, ${entryId}, ${key}.invocation COLLATE "C") < ${position}`);
  }
  const sql = `
    SELECT l.entry_id, l.invocation, l.uid, l.status, l.reason, l.signal_id, l.direction,
      left(l.symbol, ${TEXT_LENGTH_MAX}) AS symbol, left(l.message, ${TEXT_LENGTH_MAX}) AS message,
      left(l.source, ${TEXT_LENGTH_MAX}) AS source, l.bar_time, l.decided_at, l.snapshot, l.duplicate_of,
      ${microseconds(at)} AS decided_at_us${source.columns}
    FROM ${source.tables} WHERE ${conditions.join(" AND ")}
    ORDER BY ${at} DESC, ${entryId} DESC, ${key}.invocation COLLATE "C" DESC
    LIMIT ${given(countMax + 1)}`;
  return { sql, params };
}

/** There is no index by invocation, but a manual run decides nothing before it starts. */
function ofInvocation(table: NameTable, { at, key, id }: Ordered & { readonly id: string }): string[] {
  const start = `SELECT started_at - interval '1 minute' FROM ${table("invocations")} WHERE id = ${id}`;
  return [`${key}.invocation = ${id}`, `${at} >= coalesce((${start}), '-infinity')`];
}

/** Which values signals have; all others are those of outcomes. A signal's reason is also the reason of its outcomes. */
const VALUES = {
  status: { signals: new Set<string>(SIGNAL_STATUSES) },
  // A signal with the reason `shadow` has a strategy with it; the reverse is not so.
  reason: { signals: new Set<string>(SIGNAL_REASONS.filter((reason) => reason !== "shadow")) },
} as const;

/** Status and reason without a strategy; conditions on outcomes must hold for the same outcome. */
function withOutcome(table: NameTable, search: SignalSearch, given: (value: unknown) => string): string[] {
  const ofSignal: string[] = [];
  const ofOutcome: string[] = [];
  for (const column of ["status", "reason"] as const) {
    const value = search[column];
    if (value === undefined) continue;
    if (VALUES[column].signals.has(value)) ofSignal.push(`l.${column} = ${given(value)}`);
    else ofOutcome.push(`o.${column} = ${given(value)}`);
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
