import { rm } from "node:fs/promises";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase, type DatabaseOptions } from "../../../../shared/io/postgres/open-database.ts";
import { embeddedFolder } from "../../../servers/embedded-folder.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { startNeonBridge } from "../../../servers/neon-bridge.ts";

/** One place where a database can be, of any kind. */
export interface TestDatabase {
  /** Opens it; for the embedded one, the single time it may be open. */
  open(options?: Partial<DatabaseOptions>): Promise<Database>;
  remove(): Promise<void>;
}

/** Every kind of database, empty and one's own, for suites that must hold on all of them. */
export const databaseKinds = [
  { kind: "pg", create: createOnServer },
  { kind: "neon", create: createBehindBridge },
  { kind: "pglite", create: createEmbedded },
] as const;

/** The kinds that are reached over a network. */
export const serverKinds = databaseKinds.filter(({ kind }) => kind !== "pglite");

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
