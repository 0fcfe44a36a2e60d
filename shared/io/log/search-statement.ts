import { decidedUids } from "../../decide/exit-uid.ts";
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
import { isOfSignal, OUTCOME_COLUMNS_OF_SEARCH, strategyPage } from "./strategy-search-statement.ts";
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
  /** Also of the exits that brought it. */
  readonly uid?: string | undefined;
  /** Normalised. */
  readonly symbol?: string | undefined;
  /** Of the signal, or of any of its outcomes as they are now if only those have it; with a strategy, of its outcome. */
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
  const { uid, symbol, invocation, from, to, strategy, status, reason } = search;
  const shardIs = given(shard);
  const runIs = invocation === undefined ? undefined : given(invocation);
  const bounds = [
    ...(from === undefined ? [] : [`>= ${given(timeOf(from))}::timestamptz`]),
    ...(to === undefined ? [] : [`< ${given(timeOf(to))}::timestamptz`]),
    ...(after === undefined ? [] : [`<= ${given(after.decidedAt)}::timestamptz`]),
    ...(runIs === undefined ? [] : [sinceStart(table, runIs)]),
  ];
  const last =
    after &&
    `(${given(after.decidedAt)}::timestamptz, ${numeric(`${given(after.entryId)}::text`)}, ${given(after.invocation)})`;
  const ofSignal = [
    ...(uid === undefined ? [] : [`l.uid IN (${decidedUids(uid).map(given).join(", ")})`]),
    ...(symbol === undefined ? [] : [`l.symbol = ${given(symbol)}`]),
  ];
  const parts = {
    times: (at: string) => bounds.map((bound) => `${at} ${bound}`),
    ofKey: (alias: string) => (runIs === undefined ? [] : [`${alias}.invocation = ${runIs}`]),
    position: (at: string, alias: string) =>
      last === undefined
        ? []
        : [`(${at}, ${numeric(`${alias}.entry_id`)}, ${alias}.invocation COLLATE "C") < ${last}`],
    order: (at: string, alias: string) =>
      `${at} DESC, ${numeric(`${alias}.entry_id`)} DESC, ${alias}.invocation COLLATE "C" DESC`,
  };
  const limit = given(countMax + 1);
  if (strategy === undefined) {
    const conditions = [
      `l.shard = ${shardIs}`,
      ...ofSignal,
      ...parts.times("l.decided_at"),
      ...parts.ofKey("l"),
      ...withOutcome(table, search, given),
      ...parts.position("l.decided_at", "l"),
    ];
    const sql = `${selectDecisions("l.decided_at", "")}
      FROM ${table("signal_log")} l WHERE ${conditions.join(" AND ")}
      ORDER BY ${parts.order("l.decided_at", "l")} LIMIT ${limit}`;
    return { sql, params };
  }
  const page = strategyPage(table, {
    shard: shardIs,
    strategy: given(strategy),
    bySignal: ofSignal.length > 0,
    times: (at) => parts.times(at),
    ofSignal: [
      ...ofSignal,
      ...(isOfSignal("status", status) || isOfSignal("reason", reason) ? ["l.entry_id IS NOT NULL"] : []),
    ],
    ofKey: (alias) => [
      ...parts.ofKey(alias),
      ...parts.position(alias === "l" ? "l.decided_at" : "o.at", alias),
    ],
    order: parts.order,
    status: status === undefined ? undefined : { value: status, parameter: given(status) },
    reason: reason === undefined ? undefined : { value: reason, parameter: given(reason) },
    limit,
  });
  const sql = `${selectDecisions("o.key_at", OUTCOME_COLUMNS_OF_SEARCH)}
    FROM ${page} ORDER BY ${parts.order("o.key_at", "o")}`;
  return { sql, params };
}

function numeric(entryId: string): string {
  return NUMERIC_ENTRY_ID.replaceAll("entry_id", entryId);
}

const selectDecisions = (at: string, more: string): string => `
  SELECT l.entry_id, l.invocation, l.uid, l.status, l.reason, l.signal_id, l.direction, l.side,
    left(l.symbol, ${TEXT_LENGTH_MAX}) AS symbol, left(l.message, ${TEXT_LENGTH_MAX}) AS message,
    left(l.source, ${TEXT_LENGTH_MAX}) AS source, l.bar_time, l.decided_at, l.snapshot, l.duplicate_of,
    ${microseconds(at)} AS decided_at_us${more}`;

/** There is no index by invocation, but a manual run decides nothing before it starts. */
function sinceStart(table: NameTable, id: string): string {
  const start = `SELECT started_at - interval '1 minute' FROM ${table("invocations")} WHERE id = ${id}`;
  return `>= coalesce((${start}), '-infinity')`;
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
  const isNewest = `(o.stage = 'routing' OR (${newerRun(table, "o")}) IS NULL)`;
  return [
    ...ofSignal,
    `EXISTS (SELECT FROM ${table("signal_log_entries")} o WHERE ${[key, ...ofOutcome, isNewest].join(" AND ")})`,
  ];
}

/** Selects a later run of the same task as that of the row with this alias: then that one says what the task came to. */
export const newerRun = (table: NameTable, row: string): string => `
  SELECT n.part FROM ${table("signal_log_entries")} n
  WHERE n.shard = ${row}.shard AND n.entry_id = ${row}.entry_id AND n.invocation = ${row}.invocation
    AND n.strategy_id = ${row}.strategy_id AND n.stage = 'execution'
    AND (n.at, n.part COLLATE "C") > (${row}.at, ${row}.part COLLATE "C") LIMIT 1`;

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
