import { ROUTING_STATUSES, SIGNAL_REASONS, SIGNAL_STATUSES, STRATEGY_REASONS } from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** The SQL of a search for one strategy: the decisions for it, and what became of each. */

/** The parts of the statement that depend on the search; what stands in them are parameters. */
export interface StrategySearch {
  readonly shard: string;
  readonly strategy: string;
  /** Whether a uid or a symbol is given: then the indexes of `signal_log` find the rows. */
  readonly bySignal: boolean;
  /** Conditions on the time of the decision. */
  readonly times: (at: string) => readonly string[];
  /** Conditions on the decision, `l`; undefined: none needs it. */
  readonly ofSignal: readonly string[];
  /** Conditions on the key of a row, whose table has this alias. */
  readonly ofKey: (alias: string) => readonly string[];
  readonly order: (at: string, alias: string) => string;
  readonly status: { readonly value: string; readonly parameter: string } | undefined;
  readonly reason: { readonly value: string; readonly parameter: string } | undefined;
  readonly limit: string;
}

/**
 * Selects the page as `o` with `key_at`, joined with the decision `l` and the newest end of the task, `x`. The rows of the page are
 * found through the index on (strategy_id, at) in their order, and everything else is looked up for these rows alone. Postgres
 * expects half of all rows from CASE, whatever it knows of the columns, so that it walks the index and does not sort all rows.
 */
export function strategyPage(table: NameTable, search: StrategySearch): string {
  const { shard, strategy, bySignal, limit } = search;
  const entries = table("signal_log_entries");
  const needsSignal = bySignal || search.ofSignal.length > 0;
  const own = (alias: string, of: string): string =>
    `${alias}.shard = ${shard} AND ${alias}.entry_id = ${of}.entry_id AND ${alias}.invocation = ${of}.invocation`;
  const signal = `(SELECT * FROM ${table("signal_log")} s WHERE ${own("s", "o")} LIMIT 1) l`;
  const end = (columns: string): string => `
    SELECT ${columns} FROM ${entries} e
    WHERE ${own("e", "o")} AND e.strategy_id = ${strategy} AND e.stage = 'execution'
    ORDER BY e.at DESC, e.part COLLATE "C" DESC LIMIT 1`;
  const routing = "o.stage = 'routing' AND o.part = ''";
  const key = bySignal ? "l" : "o";
  const at = bySignal ? "l.decided_at" : "o.at";
  const others = [
    ...(bySignal ? [] : [`o.shard = ${shard}`, routing]),
    ...search.ofKey(key),
    ...search.ofSignal,
    ...outcomeConditions(search, end),
  ];
  const from = bySignal
    ? `${table("signal_log")} l CROSS JOIN LATERAL (
        SELECT * FROM ${entries} o WHERE ${own("o", "l")} AND o.strategy_id = ${strategy} AND ${routing} LIMIT 1
      ) o`
    : `${entries} o${needsSignal ? ` CROSS JOIN LATERAL ${signal}` : ""}`;
  const conditions = [
    bySignal ? `l.shard = ${shard}` : `o.strategy_id = ${strategy}`,
    ...search.times(at),
    ...(others.length === 0 ? [] : [`CASE WHEN ${others.join(" AND ")} THEN true END`]),
  ];
  return `(
      SELECT o.*, ${at} AS key_at FROM ${from} WHERE ${conditions.join(" AND ")}
      ORDER BY ${search.order(at, key)} LIMIT ${limit}
    ) o
    CROSS JOIN LATERAL ${signal}
    LEFT JOIN LATERAL (${end("e.*")}) x ON true
    CROSS JOIN LATERAL (
      SELECT max(a.attempt) AS failed_attempts FROM ${entries} a
      WHERE ${own("a", "o")} AND a.strategy_id = ${strategy} AND a.stage = 'attempt'
    ) tried`;
}

/** What became of the signal, beside the columns of a decision. */
export const OUTCOME_COLUMNS_OF_SEARCH = `,
  o.status AS routing_status, o.reason AS routing_reason, o.detail AS routing_detail,
  x.status AS run_status, x.reason AS run_reason, x.detail AS run_detail, x.attempt AS run_attempt,
  x.duration_ms AS run_duration_ms, x.at AS run_at, tried.failed_attempts`;

const OUTCOME_STATUSES = new Set<string>(ROUTING_STATUSES);
/** Words that only signals have: no outcome of a strategy is called so. */
const ONLY_SIGNALS = {
  status: new Set<string>(SIGNAL_STATUSES.filter((status) => !OUTCOME_STATUSES.has(status))),
  reason: new Set<string>(
    SIGNAL_REASONS.filter((reason) => !STRATEGY_REASONS.some((own) => own === (reason as string))),
  ),
} as const;

/** Whether a condition on this status or reason is on the signal, too. */
export function isOfSignal(column: "status" | "reason", value: string | undefined): boolean {
  return value !== undefined && ONLY_SIGNALS[column].has(value);
}

/** Both of the routing, or both of what the task came to: only a dispatched one has come to something. */
function outcomeConditions(
  { status, reason }: Pick<StrategySearch, "status" | "reason">,
  end: (columns: string) => string,
): string[] {
  const conditions: ((alias: string) => string)[] = [];
  const ofSignal: string[] = [];
  if (status !== undefined) {
    if (isOfSignal("status", status.value)) ofSignal.push(`l.status = ${status.parameter}`);
    else conditions.push((alias) => `${alias}.status = ${status.parameter}`);
  }
  if (reason !== undefined) {
    const orSignal = isOfSignal("reason", reason.value) ? ` OR l.reason = ${reason.parameter}` : "";
    conditions.push((alias) => `(${alias}.reason = ${reason.parameter}${orSignal})`);
  }
  if (conditions.length === 0) return ofSignal;
  const holdsFor = (alias: string): string => conditions.map((each) => each(alias)).join(" AND ");
  // Looked up only where the routing does not decide it.
  const ofEnd = `EXISTS (SELECT FROM (${end("e.status, e.reason")}) x WHERE ${holdsFor("x")})`;
  return [
    ...ofSignal,
    `CASE WHEN ${holdsFor("o")} THEN true WHEN o.status = 'dispatched' THEN ${ofEnd} ELSE false END`,
  ];
}
