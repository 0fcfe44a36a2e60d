import type { NameTable } from "./table-names.ts";

/**
 * This room opens databases and migrates them: Postgres by `pg` or the Neon driver, or PGlite embedded.
 *
 * The interface they share. Values have the same types from all three: integers as numbers, jsonb parsed, timestamptz as Date.
 */
export interface Database {
  readonly kind: "pg" | "neon" | "pglite";
  /** The router's tables as statements have to name them. */
  readonly table: NameTable;
  /** Rows of one statement; a JSON parameter is passed as text. @throws DatabaseError */
  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs `work` in one read-only, repeatable-read transaction. Inside, only the given query may be used: PGlite has one
   * connection, and the transaction holds it. @throws DatabaseError, and what `work` throws
   */
  readOnly<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  /** Applies the missing migrations and returns their names; several processes may do so at once. @throws DatabaseError */
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface MigrateOptions {
  /** Longest wait for another process that migrates, or for a table that is in use, milliseconds. */
  readonly waitMsMax?: number;
  /** Called once when another process has to be waited for, with who it is. */
  readonly onWait?: (message: string) => void;
}

/**
 * `refused`: Postgres rejects what the statement contains (SQLSTATE classes 22, 23, 54), so it will never work.
 * `unavailable`: every other error; a retry may work. It has no `cause`, because loggers print causes and the errors of the
 * drivers hold row values and connection settings.
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
