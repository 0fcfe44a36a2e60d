import type { ExecutionStatus } from "../../reasons.ts";
import type { Direction, Side } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";
import {
  executionsStatement,
  type ExecutionKey,
  type ExecutionPage,
  type ExecutionSearch,
} from "./executions-statement.ts";
import { timedSearch } from "./timed-search.ts";

/** What a task came to, as a list shows it. Times are ISO 8601, UTC; texts are cut. */
export interface FoundExecution {
  readonly entry_id: string;
  readonly invocation: string;
  readonly strategy_id: number;
  /** Its name today; null when the strategy no longer exists. */
  readonly strategy: string | null;
  /** Id of the retry it came to this in; null: its first run. */
  readonly retry: string | null;
  readonly status: ExecutionStatus;
  readonly reason: string | null;
  readonly error: string | null;
  readonly attempt: number | null;
  readonly duration_ms: number | null;
  readonly at: string;
  readonly uid: string | null;
  readonly symbol: string | null;
  readonly direction: Direction | null;
  readonly side: Side | null;
  readonly message: string | null;
}

export interface FoundExecutions {
  readonly executions: readonly FoundExecution[];
  /** Where the next page continues; undefined after the last one. */
  readonly next: ExecutionKey | undefined;
}

/** Postgres also has the log to write meanwhile. */
const SEARCH_MS_MAX = 5_000;

export interface ExecutionsRequest {
  readonly shard: string;
  readonly search: ExecutionSearch;
  readonly page: ExecutionPage;
  readonly msMax?: number;
}

/**
 * Finds tasks that have ended in the log of one shard, each with its newest run, the newest first.
 * @throws DatabaseError, SearchTooSlowError
 */
export async function searchExecutions(
  db: Database,
  { shard, search, page, msMax = SEARCH_MS_MAX }: ExecutionsRequest,
): Promise<FoundExecutions> {
  const { sql, params } = executionsStatement(db.table, shard, search, page);
  const rows = await timedSearch<FoundRow>(db, { sql, params }, { msMax });
  const shown = rows.slice(0, page.countMax);
  const last = rows.length > shown.length ? shown.at(-1) : undefined;
  return {
    executions: shown.map(executionOf),
    next: last && {
      at: last.at_us,
      entryId: last.entry_id,
      invocation: last.invocation,
      strategyId: last.strategy_id,
    },
  };
}

interface FoundRow extends Omit<FoundExecution, "at"> {
  readonly at: Date;
  readonly at_us: string;
}

function executionOf({ at, ...found }: FoundRow): FoundExecution {
  const { at_us: _, ...row } = found;
  return { ...row, at: at.toISOString() };
}
