import { ROUTING_STATUSES, SIGNAL_REASONS, SIGNAL_STATUSES, STRATEGY_REASONS } from "../../reasons.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** What a search reads: all decisions, or those of one strategy with what became of each. */

/** The aliases are `l` for the decision and, of a strategy, `o` for its routing and `x` for what its task came to. */
export interface SearchSource extends Ordered {
  readonly tables: string;
  /** To be added to those of a decision. */
  readonly columns: string;
  readonly conditions: readonly string[];
}

/** What a search is ordered by: the time of the decision, and the alias of the table that has its key. */
export interface Ordered {
  readonly at: string;
  readonly key: "l" | "o";
}

export function signalsIn(table: NameTable, shard: string): SearchSource {
  const conditions = [`l.shard = ${shard}`];
  return { tables: `${table("signal_log")} l`, columns: "", conditions, at: "l.decided_at", key: "l" };
}

/** Both are parameters of the statement. */
interface OutcomesOf {
  readonly shard: string;
  readonly strategy: string;
  readonly search: { readonly uid?: string | undefined; readonly symbol?: string | undefined };
}

/**
 * The decisions for one strategy. They are found through the index on (strategy_id, at), in the order of the page, and everything
 * else is looked up row by row, so that millions of other rows cost nothing; LATERAL with LIMIT keeps it so while a table has no
 * statistics, and `shard || ''` as in log-retention.ts. A uid, or a symbol, is found through the indexes of `signal_log`.
 */
export function outcomesIn(table: NameTable, { shard, strategy, search }: OutcomesOf): SearchSource {
  const entries = table("signal_log_entries");
  const bySignal = search.uid !== undefined || search.symbol !== undefined;
  const own = (alias: string, of: "l" | "o"): string =>
    `${alias}.shard = ${shard} AND ${alias}.entry_id = ${of}.entry_id AND ${alias}.invocation = ${of}.invocation`;
  const of = (alias: string, stage: string): string =>
    `${own(alias, "l")} AND ${alias}.strategy_id = ${strategy} AND ${alias}.stage = '${stage}'`;
  const routing = "o.part = '' AND o.stage = 'routing'";
  const decisions = bySignal
    ? `${table("signal_log")} l CROSS JOIN LATERAL (
        SELECT * FROM ${entries} e WHERE ${of("e", "routing")} AND e.part = '' LIMIT 1
      ) o`
    : `${entries} o CROSS JOIN LATERAL (
        SELECT * FROM ${table("signal_log")} s WHERE ${own("s", "o")} LIMIT 1
      ) l`;
  return {
    tables: `${decisions} LEFT JOIN LATERAL (
        SELECT * FROM ${entries} e WHERE ${of("e", "execution")} ORDER BY e.at DESC, e.part DESC LIMIT 1
      ) x ON true`,
    columns: `,
      o.status AS routing_status, o.reason AS routing_reason, o.detail AS routing_detail,
      x.status AS run_status, x.reason AS run_reason, x.detail AS run_detail, x.attempt AS run_attempt,
      x.duration_ms AS run_duration_ms, x.at AS run_at,
      (SELECT max(a.attempt) FROM ${entries} a WHERE ${of("a", "attempt")}) AS failed_attempts`,
    conditions: bySignal
      ? [`l.shard = ${shard}`]
      : [`o.shard || '' = ${shard}`, `o.strategy_id = ${strategy}`, routing],
    at: bySignal ? "l.decided_at" : "o.at",
    key: bySignal ? "l" : "o",
  };
}

const OUTCOME_STATUSES = new Set<string>(ROUTING_STATUSES);
/** Words that only signals have: no outcome of a strategy is called so. */
const ONLY_SIGNALS = {
  status: new Set<string>(SIGNAL_STATUSES.filter((status) => !OUTCOME_STATUSES.has(status))),
  reason: new Set<string>(
    SIGNAL_REASONS.filter((reason) => !STRATEGY_REASONS.some((own) => own === (reason as string))),
  ),
} as const;

/** Status and reason of a strategy: both of its routing, or of what its task came to; of the signal where only signals have the word. */
export function withOwnOutcome(
  { status, reason }: { readonly status?: string | undefined; readonly reason?: string | undefined },
  given: (value: unknown) => string,
): string[] {
  const ofOutcome: ((alias: string) => string)[] = [];
  const ofSignal: string[] = [];
  if (status !== undefined) {
    const value = given(status);
    if (ONLY_SIGNALS.status.has(status)) ofSignal.push(`l.status = ${value}`);
    else ofOutcome.push((alias) => `${alias}.status = ${value}`);
  }
  if (reason !== undefined) {
    const value = given(reason);
    const orSignal = ONLY_SIGNALS.reason.has(reason) ? ` OR l.reason = ${value}` : "";
    ofOutcome.push((alias) => `(${alias}.reason = ${value}${orSignal})`);
  }
  if (ofOutcome.length === 0) return ofSignal;
  const holdsFor = (alias: string): string => ofOutcome.map((condition) => condition(alias)).join(" AND ");
  return [...ofSignal, `((${holdsFor("o")}) OR (${holdsFor("x")}))`];
}
