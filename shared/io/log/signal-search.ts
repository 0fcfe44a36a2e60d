import type { SignalStatus } from "../../reasons.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import { searchStatement, type SearchKey, type SearchPage, type SignalSearch } from "./search-statement.ts";

/** A decision as a search shows it. Times are ISO 8601, UTC; texts of producers are cut. */
export interface FoundSignal {
  readonly entry_id: string;
  readonly invocation: string;
  readonly uid: string | null;
  readonly status: SignalStatus;
  readonly reason: string | null;
  readonly signal_id: number | null;
  readonly direction: "long" | "short" | null;
  readonly symbol: string | null;
  readonly message: string | null;
  readonly source: string | null;
  readonly bar_time: string | null;
  readonly decided_at: string;
  readonly snapshot: string;
  readonly duplicate_of: string | null;
}

export interface FoundSignals {
  readonly signals: readonly FoundSignal[];
  /** Where the next page continues; undefined after the last one. */
  readonly next: SearchKey | undefined;
}

/** The search was cancelled because it took too long. */
export class SearchTooSlowError extends Error {
  override readonly name = "SearchTooSlowError";
}

/** Postgres also has the log to write meanwhile. (The embedded database cannot be interrupted.) */
const SEARCH_MS_MAX = 5_000;
const QUERY_CANCELED = "57014";

export interface SearchRequest {
  readonly shard: string;
  readonly search: SignalSearch;
  readonly page: SearchPage;
  readonly msMax?: number;
}

/** Finds decisions in the log of one shard, the newest first. @throws DatabaseError, SearchTooSlowError */
export async function searchSignals(
  db: Database,
  { shard, search, page, msMax = SEARCH_MS_MAX }: SearchRequest,
): Promise<FoundSignals> {
  const { sql, params } = searchStatement(db.table, shard, search, page);
  const rows = await db.readOnly(async (query) => {
    await query(`SET LOCAL statement_timeout = ${msMax}`);
    return query<FoundRow>(sql, params).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlstate !== QUERY_CANCELED) throw error;
      throw new SearchTooSlowError(`the search took longer than ${msMax} ms`, { cause: error });
    });
  });
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

type FoundRow = Omit<FoundSignal, "bar_time" | "decided_at"> & {
  readonly bar_time: Date | null;
  readonly decided_at: Date;
  readonly decided_at_us: string;
};

function foundOf(found: FoundRow): FoundSignal {
  const { decided_at_us: _, ...row } = found;
  return {
    ...row,
    bar_time: row.bar_time?.toISOString() ?? null,
    decided_at: row.decided_at.toISOString(),
  };
}
