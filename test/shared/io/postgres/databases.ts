import { rm } from "node:fs/promises";
import { afterAll, beforeAll } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { lazyDatabase } from "../../../../shared/io/postgres/lazy-database.ts";
import { openDatabase, type DatabaseOptions } from "../../../../shared/io/postgres/open-database.ts";
import { embeddedFolder } from "../../../servers/embedded-folder.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { startNeonBridge } from "../../../servers/neon-bridge.ts";

/** An empty database of any kind. */
export interface TestDatabase {
  /** Opens it; the embedded one only once at a time. */
  open(options?: Partial<DatabaseOptions>): Promise<Database>;
  remove(): Promise<void>;
}

/** Every kind of database, for suites that must pass on all of them. */
export const databaseKinds = [
  { kind: "pg", create: createOnServer },
  { kind: "neon", create: createBehindBridge },
  { kind: "pglite", create: createEmbedded },
] as const;

/** The kinds that are reached over a network. */
export const serverKinds = databaseKinds.filter(({ kind }) => kind !== "pglite");

/** A migrated database for the tests of the suite that calls this; removed after them. */
export function migratedDatabase({ kind, create }: (typeof databaseKinds)[number]): Database {
  let testDatabase: TestDatabase | undefined;
  const db = lazyDatabase({ kind }, async () => {
    testDatabase = await create();
    return testDatabase.open();
  });
  beforeAll(async () => {
    await db.migrate();
  });
  afterAll(async () => {
    await db.close();
    await testDatabase?.remove();
  });
  return db;
}

/** Fails the run as an unhandled error when it is called. */
function unexpected(error: Error): never {
  throw error;
}

async function createOnServer(): Promise<TestDatabase> {
  const database = await freshDatabase();
  return {
    open: (options = {}) =>
      openDatabase({ url: database.url, dataDir: "/nowhere", onError: unexpected, ...options }),
    remove: () => database.drop(),
  };
}

async function createBehindBridge(): Promise<TestDatabase> {
  const database = await freshDatabase();
  const bridge = await startNeonBridge(Number(new URL(database.url).port));
  const fixed = { url: database.url, neonWsProxy: bridge.proxy, dataDir: "/nowhere", onError: unexpected };
  return {
    open: (options = {}) => openDatabase({ ...fixed, ...options }),
    async remove() {
      await bridge.stop();
      await database.drop();
    },
  };
}

async function createEmbedded(): Promise<TestDatabase> {
  const dataDir = await embeddedFolder();
  return {
    open: (options = {}) => openDatabase({ url: undefined, dataDir, onError: unexpected, ...options }),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}
