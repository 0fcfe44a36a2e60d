import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../../shared/config/config.ts";
import { neededPrivileges, postgresRemarks } from "../../../shared/config/postgres-requirements.ts";
import { redactUrl } from "../../../shared/config/redact-url.ts";
import { fault, ok } from "../../../shared/config/remark.ts";
import { messageOf } from "../../../shared/error-message.ts";
import { readDatabaseFacts } from "../../../shared/io/postgres/database-facts.ts";
import type { Database } from "../../../shared/io/postgres/database.ts";
import { FolderInUseError } from "../../../shared/io/postgres/folder-lock.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { isEmptyFolder } from "../../../shared/io/postgres/pglite-folder.ts";
import { inTime, lineOf, notChecked, type CheckLine } from "./check-line.ts";

/** Checks a database without changing anything in it; `database` is undefined when its rows cannot be read. */
export async function checkPostgres(config: Config, dataDir: string): Promise<CheckedPostgres> {
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = config;
  const embedded = url === undefined;
  if (embedded && (await isNew(join(dataDir, "postgres")))) {
    const line = ok(
      "DATABASE_URL is not set: the first start creates an embedded database with a demo reference",
    );
    return { lines: [lineOf("Postgres", line)] };
  }
  try {
    const database = await inTime(
      openDatabase({
        url,
        schema,
        neonWsProxy,
        dataDir,
        poolMax: 2,
        queryMsMax: 5_000,
        onError: () => undefined,
      }),
    );
    return await factsOf(database, config, embedded).catch(async (error: unknown) => {
      await database.close();
      throw error;
    });
  } catch (error) {
    if (error instanceof Error && error.cause instanceof FolderInUseError)
      return { lines: [inUse(error.cause)] };
    const where = embedded ? "the embedded database" : `the database at ${redactUrl(url)}`;
    const message = `${where} cannot be used: ${messageOf(error)}`;
    return {
      lines: [
        lineOf("Postgres", fault(message)),
        notChecked("Postgres", "its version, schema and permissions: it cannot be used"),
      ],
    };
  }
}

export interface CheckedPostgres {
  readonly lines: readonly CheckLine[];
  /** Has all tables; to be closed. */
  readonly database?: Database;
}

async function factsOf(database: Database, config: Config, embedded: boolean): Promise<CheckedPostgres> {
  const facts = await inTime(readDatabaseFacts(database, neededPrivileges(config)));
  const lines = postgresRemarks(facts, { embedded }).map((remark) => lineOf("Postgres", remark));
  if (facts.pending.length === 0) return { lines, database };
  await database.close();
  return { lines };
}

/** Whether there is no database yet, and no router that makes one. What cannot be read is said when it is opened. */
async function isNew(folder: string): Promise<boolean> {
  return !existsSync(`${folder}.lock`) && isEmptyFolder(folder).catch(() => false);
}

/** A running router has opened it, so it works. */
function inUse({ pid }: FolderInUseError): CheckLine {
  return lineOf(
    "Postgres",
    ok(`the embedded database is open in the router that runs (process ${pid}); only one process can use it`),
  );
}
