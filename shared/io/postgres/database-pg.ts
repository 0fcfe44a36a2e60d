import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { types as pgTypes, type CustomTypesConfig } from "pg";
import { toDatabaseError } from "./database-error.ts";
import { DatabaseError, type Database } from "./database.ts";
import { applyMigrations } from "./migrate.ts";
import { tablesIn } from "./table-names.ts";

/** A database over a connection pool of `pg` or of the Neon driver. */

/** Settings of a pool that both drivers understand. */
export interface PoolSettings {
  readonly connectionString: string;
  readonly max: number;
  /** Longest wait for a connection, milliseconds. */
  readonly connectionTimeoutMillis: number;
  /** Longest wait for an answer, milliseconds; 0: no limit. */
  readonly query_timeout: number;
  readonly keepAlive: boolean;
  readonly application_name: string;
  readonly types: CustomTypesConfig;
}

export interface PgClient {
  query(sql: string, params?: unknown[]): Promise<{ rows: unknown[] }>;
  on(event: "error", listener: () => void): unknown;
  release(destroy?: boolean): void;
}

export interface PgPool {
  connect(): Promise<PgClient>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PgClient) => void): unknown;
}

interface PgDatabaseOptions {
  readonly kind: "pg" | "neon";
  readonly createPool: (settings: PoolSettings) => PgPool;
  readonly url: string;
  readonly schema: string | undefined;
  readonly poolMax: number;
  readonly connectMsMax: number;
  readonly queryMsMax: number;
  /** Called when an idle connection breaks. */
  readonly onError: (error: Error) => void;
}

/** A frozen server never confirms that a connection is closed. */
const CLOSE_MS_MAX = 3000;

const { INT8 } = pgTypes.builtins;
/** `pg` gives bigint as text, since it may exceed 2^53; no count of the router does. */
const types: CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === INT8 ? Number : pgTypes.getTypeParser(oid, format)),
};

/** Connects when first used, so Postgres may be unavailable now. */
export function databaseOverPool(options: PgDatabaseOptions): Database {
  const settings: PoolSettings = {
    connectionString: options.url,
    max: options.poolMax,
    connectionTimeoutMillis: options.connectMsMax,
    query_timeout: options.queryMsMax,
    keepAlive: true,
    application_name: "signal-router",
    types,
  };
  let closed: Promise<void> | undefined;
  const openPool = (overrides: Partial<PoolSettings>): PgPool => {
    const opened = options.createPool({ ...settings, ...overrides });
    opened.on("error", (error) => {
      // Once it is being closed, it does not matter how a connection ends.
      if (closed === undefined) options.onError(toDatabaseError(error));
    });
    // A client in use or being closed emits its own error, which would end the process without a listener. Nothing else is
    // to be done: its query fails as well, or the next one does.
    opened.on("connect", (client) => client.on("error", () => undefined));
    return opened;
  };
  const pool = openPool({});
  return {
    kind: options.kind,
    schema: options.schema,
    table: tablesIn(options.schema),
    query: (sql, params) => withClient(pool, (client) => queryOn(client, sql, params), connectionWorks),
    readOnly: (work) => withClient(pool, (client) => readOnlyOn(client, work)),
    transaction: (work) => withClient(pool, (client) => transactionOn(client, work)),
    async migrate(how) {
      // In a pool without a time limit for a statement: a migration of large tables may take long.
      const single = openPool({ max: 1, query_timeout: 0, application_name: "signal-router migrate" });
      try {
        return await withClient(single, (client) =>
          applyMigrations(client, { ...how, schema: options.schema }),
        );
      } finally {
        await single.end();
      }
    },
    close: () => (closed ??= Promise.race([pool.end(), delay(CLOSE_MS_MAX, undefined, { ref: false })])),
  };
}

/** Runs `work` on a client of the pool; the client is not used again if its connection or transaction may be broken. */
async function withClient<T>(
  pool: PgPool,
  work: (client: PgClient) => Promise<T>,
  usableAfter: (error: unknown) => boolean = () => false,
): Promise<T> {
  // An idle connection may have been closed by Postgres, or while this process was paused. That becomes known in the next turn
  // of the event loop, and then the pool gives another one.
  await nextTurn();
  const client = await pool.connect().catch((error: unknown) => {
    throw toDatabaseError(error);
  });
  let usable = true;
  try {
    return await work(client);
  } catch (error) {
    usable = usableAfter(error);
    throw error;
  } finally {
    client.release(!usable);
  }
}

/** True when Postgres answered, and not that it is closing the connection. */
function connectionWorks(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlstate !== undefined && !/^(?:08|57)/.test(error.sqlstate);
}

async function queryOn<Row>(client: PgClient, sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  try {
    return (await client.query(sql, [...params])).rows as Row[];
  } catch (error) {
    throw toDatabaseError(error);
  }
}

async function readOnlyOn<T>(client: PgClient, work: (query: Database["query"]) => Promise<T>): Promise<T> {
  await queryOn(client, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const result = await work((sql, params) => queryOn(client, sql, params));
  await queryOn(client, "COMMIT");
  return result;
}

async function transactionOn<T>(
  client: PgClient,
  work: (query: Database["query"]) => Promise<T>,
): Promise<T> {
  await queryOn(client, "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED");
  try {
    const result = await work((sql, params) => queryOn(client, sql, params));
    await queryOn(client, "COMMIT");
    return result;
  } catch (error) {
    // At once, since others may wait for its locks; a broken connection cannot, and Postgres rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
