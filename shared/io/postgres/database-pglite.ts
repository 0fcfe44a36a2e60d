import { join } from "node:path";
import { PGlite, types } from "@electric-sql/pglite";
import { DataFolderError, fileTrouble, privateFolder } from "../files/private-files.ts";
import { toDatabaseError } from "./database-error.ts";
import { DatabaseError, type Database } from "./database.ts";
import { FolderInUseError, lockFolder, type FolderLock } from "./folder-lock.ts";
import { applyMigrations } from "./migrate.ts";
import type { MigrationClient } from "./migration-lock.ts";
import { createInFolder, isEmptyFolder, openFailure, refuseWithoutVersion } from "./pglite-folder.ts";
import { tablesIn } from "./table-names.ts";

/** The embedded database: PGlite, in this process. */

const IN_USE =
  "the embedded database is for one process only: stop the other one, or set DATABASE_URL to a Postgres server";
const LOST =
  "another process opened the embedded database while this process was paused; restart this process";

interface PgliteOptions {
  /** The files are in its folder `postgres`. */
  readonly dataDir: string;
  readonly schema?: string | undefined;
  /** Called when another process has locked the folder; from then on every query is rejected. */
  readonly onError: (error: Error) => void;
}

/**
 * Opens the embedded database. PGlite does not protect its files: two processes on one folder lose rows without an error,
 * hence the lock. @throws Error when another process has the folder, DataFolderError when it cannot be used
 */
export async function openPglite({ dataDir, schema, onError }: PgliteOptions): Promise<Database> {
  const folder = join(dataDir, "postgres");
  // PGlite makes files that all may write: only the folders protect them.
  await privateFolder(dataDir);
  await privateFolder(folder);
  let lost: DatabaseError | undefined;
  const onLost = (): void => {
    if (lost !== undefined) return;
    lost = new DatabaseError(`${folder}: ${LOST}`, "unavailable", undefined);
    onError(lost);
  };
  const lock = await lockFolder(folder, onLost).catch((error: unknown) => {
    throw error instanceof FolderInUseError
      ? new Error(`${error.message}; ${IN_USE}`, { cause: error })
      : (fileTrouble(folder, error) ?? error);
  });
  const pg = await openIn(folder).catch(async (error: unknown) => {
    const trouble = error instanceof DataFolderError ? error : await openFailure(folder, error);
    await lock.release();
    throw trouble;
  });

  // Opening blocks this process for seconds, so on a busy machine another process may take its lock for that of a dead one.
  // Then nothing is closed or released: the files and the lock are the other's.
  if (!lock.isHeld()) throw new Error(`${folder}: ${LOST}`);

  // There is one connection, so an open transaction must have it alone.
  let last: Promise<unknown> = Promise.resolve();
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(() => {
      // A process that was paused continues for a moment before it is notified that its lock was lost.
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
    schema,
    table: tablesIn(schema),
    query: (sql, params) => exclusive(() => query(sql, params)),
    readOnly: (work) => exclusive(() => inTransaction("REPEATABLE READ READ ONLY", query, work)),
    transaction: (work) => exclusive(() => inTransaction("READ COMMITTED", query, work)),
    migrate: (how) => exclusive(() => applyMigrations(migrationClient(pg), { ...how, schema })),
    close: () => (closed ??= closePglite(pg, lock, exclusive)),
  };
}

/** Opens the database in a folder that is locked, and makes one first if the folder is empty. */
async function openIn(folder: string): Promise<PGlite> {
  if (await isEmptyFolder(folder)) {
    await createInFolder(folder, async (draft) => (await PGlite.create(draft)).close());
  }
  refuseWithoutVersion(folder);
  return PGlite.create(folder, { parsers: { [types.INT8]: Number } });
}

async function inTransaction<T>(
  mode: "REPEATABLE READ READ ONLY" | "READ COMMITTED",
  query: Database["query"],
  work: (query: Database["query"]) => Promise<T>,
): Promise<T> {
  await query(`BEGIN TRANSACTION ISOLATION LEVEL ${mode}`);
  try {
    const result = await work(query);
    await query("COMMIT");
    return result;
  } catch (error) {
    await query("ROLLBACK");
    throw error;
  }
}

/** PGlite accepts several statements only in `exec`, and values only in `query`. */
function migrationClient(pg: PGlite): MigrationClient {
  return {
    async query(sql, values) {
      if (values !== undefined) return pg.query<unknown>(sql, values);
      const results = await pg.exec(sql);
      return { rows: results.at(-1)?.rows ?? [] };
    },
  };
}

/** Closing also writes, so after the lock was lost nothing is closed. */
async function closePglite(
  pg: PGlite,
  lock: FolderLock,
  exclusive: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  if (!lock.isHeld()) return;
  await exclusive(() => pg.close());
  await lock.release();
}
