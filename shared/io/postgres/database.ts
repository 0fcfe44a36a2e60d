/**
 * The one interface the router has to Postgres, implemented over `pg`, the Neon driver and PGlite. Values come
 * back alike from all three: integers as numbers, jsonb parsed, timestamptz as Date.
 */
export interface Database {
  readonly kind: "pg" | "neon" | "pglite";
  /** Rows of one statement; a JSON parameter is passed as text. @throws DatabaseError */
  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs `work` in one read-only, repeatable-read transaction. Inside, only the given query may be used: PGlite has
   * one connection, and `work` holds it. @throws DatabaseError, and whatever `work` throws
   */
  readOnly<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  /** Applies the migrations that are missing and gives their names; safe to run from several processes at once. */
  migrate(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * `refused`: Postgres said no to what the statement contains (SQLSTATE classes 22, 23, 54); the same statement will
 * never work. `unavailable`: everything else, worth another try. There is no cause on purpose: the errors of the drivers
 * hold row values and connection settings, and loggers print causes.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly kind: "refused" | "unavailable";
  readonly sqlstate: string | undefined;

  constructor(message: string, kind: "refused" | "unavailable", sqlstate: string | undefined) {
    super(message);
    this.kind = kind;
    this.sqlstate = sqlstate;
  }
}
