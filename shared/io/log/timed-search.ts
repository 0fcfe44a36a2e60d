import { DatabaseError, type Database } from "../postgres/database.ts";

/** Runs a search of a person in the log: Postgres also has the log to write meanwhile, so it is cancelled after a time. */
export async function timedSearch<Row>(
  db: Database,
  { sql, params }: { readonly sql: string; readonly params: readonly unknown[] },
  { msMax = SEARCH_MS_MAX }: { readonly msMax?: number | undefined } = {},
): Promise<Row[]> {
  return db.readOnly(async (query) => {
    await query(`SET LOCAL statement_timeout = ${msMax}`);
    return query<Row>(sql, params).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlstate !== QUERY_CANCELED) throw error;
      throw new SearchTooSlowError(`the search took longer than ${msMax} ms`, { cause: error });
    });
  });
}

/** The search was cancelled because it took too long. */
export class SearchTooSlowError extends Error {
  override readonly name = "SearchTooSlowError";
}

/** The embedded database cannot be interrupted. */
const SEARCH_MS_MAX = 5_000;
const QUERY_CANCELED = "57014";

/** A time with microseconds, as positions of pages have it. */
export function microseconds(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
