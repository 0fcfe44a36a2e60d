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
    return query<Row>(sql, params).catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlstate !== QUERY_CANCELED) throw error;
      throw new SearchTooSlowError(`the search took longer than ${msMax} ms`, { cause: error });
    });
  });
}

const QUERY_CANCELED = "57014";
