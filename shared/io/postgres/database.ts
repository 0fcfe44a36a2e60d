import type { ReferenceOrigin } from "../../reference/reference-kind.ts";
import type { NameTable } from "./table-names.ts";

/**
 * This room opens databases and migrates them: Postgres by `pg` or the Neon driver, or PGlite embedded.
 *
 * The interface they share. Values have the same types from all three: integers as numbers, jsonb parsed, timestamptz as Date.
 */
export interface Database {
  readonly kind: "pg" | "neon" | "pglite";
  /** Schema of the router's tables; undefined: they are where the connection finds them. */
  readonly schema: string | undefined;
  /** The router's tables as statements have to name them. */
  readonly table: NameTable;
  /** Rows of one statement; a JSON parameter is passed as text. @throws DatabaseError */
  readonly query: <Row>(sql: string, params?: readonly unknown[]) => Promise<Row[]>;
  /**
   * Runs `work` in one read-only, repeatable-read transaction. Inside, only the given query may be used: PGlite has one
   * connection, and the transaction holds it. @throws DatabaseError, and what `work` throws
   */
  readOnly<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one transaction that may write (read committed), and rolls it back when `work` throws. The same holds for the
   * given query. @throws DatabaseError, and what `work` throws
   */
  transaction<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  /**
   * Applies the missing migrations and returns their names; several processes may do so at once.
   * @throws DatabaseError, MigrationRefusedError, and what the steps throw
   */
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface MigrateOptions {
  /** Longest wait for another process that migrates, or for a table that is in use, milliseconds. */
  readonly waitMsMax?: number;
  /** Called once when another process has to be waited for, with who it is. */
  readonly onWait?: (message: string) => void;
  /** Whether new tables may be made although the database has a router's tables outside the schema; default false. */
  readonly beside?: boolean;
  /** Does everything and takes it back, to find out whether it can be done and what it would change; default false. */
  readonly rehearse?: boolean;
  /** What to do in the transaction; default: apply what is missing, and leave the reference whose it is. */
  readonly steps?: (migration: Migration) => Promise<readonly string[]>;
}

/** The open transaction of a migration, in which names without schema are those of the router's schema. */
export interface Migration {
  readonly query: Database["query"];
  /** Runs a text of one or more statements. @throws DatabaseError */
  readonly run: (sql: string) => Promise<void>;
  /** Whose reference it is; undefined in a new database. */
  readonly stored: ReferenceOrigin | undefined;
  /** Applies the missing migrations of this kind of reference, and records it. @throws DatabaseError, MigrationRefusedError */
  readonly apply: (origin: ReferenceOrigin) => Promise<readonly string[]>;
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
