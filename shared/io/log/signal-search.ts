import type { ExecutionStatus, RoutingStatus, SignalStatus } from "../../reasons.ts";
import type { Direction, Side } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";
import { searchStatement, type SearchKey, type SearchPage, type SignalSearch } from "./search-statement.ts";
import { timedSearch } from "./timed-search.ts";

/** A decision as a search shows it. Times are ISO 8601, UTC; texts of producers are cut. */
export interface FoundSignal {
  readonly entry_id: string;
  readonly invocation: string;
  readonly uid: string | null;
  readonly status: SignalStatus;
  readonly reason: string | null;
  readonly signal_id: number | null;
  readonly direction: Direction | null;
  readonly side: Side | null;
  readonly symbol: string | null;
  readonly message: string | null;
  readonly source: string | null;
  readonly bar_time: string | null;
  readonly decided_at: string;
  readonly snapshot: string;
  readonly duplicate_of: string | null;
  /** Of a search for a strategy: what was decided for it, and what its task came to. */
  readonly outcome?: FoundOutcome;
}

/** What became of a signal for one strategy. */
export interface FoundOutcome {
  readonly status: RoutingStatus;
  readonly reason: string | null;
  readonly detail: Record<string, unknown>;
  /** How the task ended, the newest end if there are several; null while there is none. */
  readonly run: FoundRun | null;
  /** Attempts that have ended. */
  readonly attempts: number;
}

export interface FoundRun {
  readonly status: ExecutionStatus;
  readonly reason: string | null;
  readonly detail: Record<string, unknown>;
  readonly attempt: number | null;
  readonly duration_ms: number | null;
  readonly at: string;
}

export interface FoundSignals {
  readonly signals: readonly FoundSignal[];
  /** Where the next page continues; undefined after the last one. */
  readonly next: SearchKey | undefined;
}

export interface SearchRequest {
  readonly shard: string;
  readonly search: SignalSearch;
  readonly page: SearchPage;
  readonly msMax?: number;
}

/** Finds decisions in the log of one shard, the newest first. @throws DatabaseError, SearchTooSlowError */
export async function searchSignals(
  db: Database,
  { shard, search, page, msMax }: SearchRequest,
): Promise<FoundSignals> {
  const statement = searchStatement(db.table, shard, search, page);
  const rows = await timedSearch<FoundRow>(db, statement, { msMax });
  const shown = rows.slice(0, page.countMax);
  const last = rows.length > shown.length ? shown.at(-1) : undefined;
  return {
    signals: shown.map(foundOf),
    next: last && {
      decidedAt: last.decided_at_us,
      entryId: last.entry_id,
      invocation: last.invocation,
    },
  };
}

type FoundRow = Omit<FoundSignal, "bar_time" | "decided_at" | "outcome"> & {
  readonly bar_time: Date | null;
  readonly decided_at: Date;
  readonly decided_at_us: string;
} & (OutcomeColumns | { readonly routing_status?: never });

interface OutcomeColumns {
  readonly routing_status: RoutingStatus;
  readonly routing_reason: string | null;
  readonly routing_detail: Record<string, unknown>;
  readonly run_status: ExecutionStatus | null;
  readonly run_reason: string | null;
  readonly run_detail: Record<string, unknown> | null;
  readonly run_attempt: number | null;
  readonly run_duration_ms: number | null;
  readonly run_at: Date | null;
  readonly failed_attempts: number | null;
}

function foundOf(row: FoundRow): FoundSignal {
  return {
    entry_id: row.entry_id,
    invocation: row.invocation,
    uid: row.uid,
    status: row.status,
    reason: row.reason,
    signal_id: row.signal_id,
    direction: row.direction,
    side: row.side,
    symbol: row.symbol,
    message: row.message,
    source: row.source,
    bar_time: row.bar_time?.toISOString() ?? null,
    decided_at: row.decided_at.toISOString(),
    snapshot: row.snapshot,
    duplicate_of: row.duplicate_of,
    ...(row.routing_status === undefined ? {} : { outcome: outcomeOf(row) }),
  };
}

function outcomeOf(row: OutcomeColumns): FoundOutcome {
  const { run_status: status, run_at: at, run_attempt: attempt } = row;
  const run =
    status === null || at === null
      ? null
      : {
          status,
          reason: row.run_reason,
          detail: row.run_detail ?? {},
          attempt,
          duration_ms: row.run_duration_ms,
          at: at.toISOString(),
        };
  return {
    status: row.routing_status,
    reason: row.routing_reason,
    detail: row.routing_detail,
    run,
    attempts: Math.max(attempt ?? 0, row.failed_attempts ?? 0),
  };
}
