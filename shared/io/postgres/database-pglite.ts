import { join } from "node:path";
import { PGlite, types } from "@electric-sql/pglite";
import { toDatabaseError } from "./database-error.ts";
import { DatabaseError, type Database } from "./database.ts";
import { FolderInUseError, lockFolder, type FolderLock } from "./folder-lock.ts";
import { applyMigrations, type MigrationClient } from "./migrate.ts";

const IN_USE =
  "the embedded database is for one process only: stop the other one, or set DATABASE_URL to a Postgres server";
const TAKEN_OVER =
  "another process has taken over the embedded database while this one stood still; restart this one";

interface PgliteOptions {
  /** The files are in its folder `postgres`. */
  readonly dataDir: string;
  /** Told when another process has taken the folder over; the database then refuses to be used. */
  readonly onError: (error: Error) => void;
}

/**
 * Opens the embedded database. PGlite does not protect its files: two processes on one folder lose rows without a
 * word, hence the lock. @throws Error when another process has the folder
 */
export async function openPglite({ dataDir, onError }: PgliteOptions): Promise<Database> {
  const folder = join(dataDir, "postgres");
  let lost: DatabaseError | undefined;
  const onLost = (): void => {
    if (lost !== undefined) return;
    lost = new DatabaseError(`${folder}: ${TAKEN_OVER}`, "unavailable", undefined);
    onError(lost);
  };
  const lock = await lockFolder(folder, onLost).catch((error: unknown) => {
    throw error instanceof FolderInUseError ? new Error(`${error.message}; ${IN_USE}`) : error;
  });
  const pg = await PGlite.create(folder, { parsers: { [types.INT8]: Number } }).catch(
    async (error: unknown) => {
      await lock.release();
      throw new Error(`the embedded database in ${folder} cannot be opened`, { cause: error });
    },
  );

  // Opening takes seconds in which nothing else runs, long enough on a busy machine for another process to take this one
  // for dead. Not closed and not released: both would touch what is the other's by now.
  if (!lock.isHeld()) throw new Error(`${folder}: ${TAKEN_OVER}`);

  // There is one connection, so whoever has a transaction open must have it alone.
  let last: Promise<unknown> = Promise.resolve();
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(() => {
      // A process that stood still runs on for a moment before it hears that its lock was taken over.
      if (!lock.isHeld()) onLost();
      if (lost !== undefined) throw lost;
      return work();
    });
    last = result.catch(() => undefined);
    return result;
  };
  const query: Database["query"] = async <Row>(sql: string, params: readonly unknown[] = []) => {
    try {
      return (await pg.query<Row>(sql, [...params])).rows;
    } catch (error) {
      throw toDatabaseError(error);
    }
  };

  let closed: Promise<void> | undefined;
  return {
    kind: "pglite",
    query: (sql, params) => exclusive(() => query(sql, params)),
    readOnly: (work) => exclusive(() => inReadOnlyTransaction(query, work)),
    migrate: () => exclusive(() => applyMigrations(migrationClient(pg))),
    close: () => (closed ??= closePglite(pg, lock, exclusive)),
  };
}

async function inReadOnlyTransaction<T>(
  query: Database["query"],
  work: (query: Database["query"]) => Promise<T>,
): Promise<T> {
  await query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    const result = await work(query);
    await query("COMMIT");
    return result;
  } catch (error) {
    await query("ROLLBACK");
    throw error;
  }
}

/** PGlite takes several statements in `exec` only, and values in `query` only. */
function migrationClient(pg: PGlite): MigrationClient {
  return {
    async query(sql, values) {
      if (values !== undefined) return pg.query<unknown>(sql, values);
      const results = await pg.exec(sql);
      return { rows: results.at(-1)?.rows ?? [] };
    },
  };
}

/** Closing writes too, so a database that was taken over is left as it is. */
async function closePglite(
  pg: PGlite,
  lock: FolderLock,
  exclusive: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  if (!lock.isHeld()) return;
  await exclusive(() => pg.close());
  await lock.release();
}
