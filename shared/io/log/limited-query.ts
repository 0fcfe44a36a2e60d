import { DatabaseError, type Database } from "../postgres/database.ts";
import { SearchTooSlowError } from "./signal-search.ts";

/**
 * Reads with one statement that is cancelled after `msMax`. (The embedded database cannot be interrupted.)
 * @throws DatabaseError, SearchTooSlowError
 */
export async function limitedQuery<Row>(
  db: Database,
  {
    sql,
    params,
    msMax,
  }: { readonly sql: string; readonly params: readonly unknown[]; readonly msMax: number },
): Promise<Row[]> {
  return db.readOnly(async (query) => {
    await query(`SET LOCAL statement_timeout = ${msMax}`);
    // Postgres would compile the statement, by costs that no limit lowers: longer than it takes.
    await query("SET LOCAL jit = off");
    return query<Row>(sql, params).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlstate !== QUERY_CANCELED) throw error;
      throw new SearchTooSlowError(`the search took longer than ${msMax} ms`, { cause: error });
    });
  });
}

const QUERY_CANCELED = "57014";
