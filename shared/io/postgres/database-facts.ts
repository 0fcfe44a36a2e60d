import type { DatabaseFacts, DatabaseRights, TablePrivilege } from "../../config/postgres-requirements.ts";
import type { Database } from "./database.ts";
import { pendingMigrations } from "./migrate.ts";

/** Reads what the checks of a database are about; writes nothing. @throws DatabaseError */
export async function readDatabaseFacts(
  database: Database,
  needed: readonly TablePrivilege[],
): Promise<DatabaseFacts> {
  const [server] = await database.query<{ version: string; standby: boolean }>(
    "SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby",
  );
  const pending = await pendingMigrations(database);
  const rights = await readDatabaseRights(database, needed);
  return {
    version: server?.version ?? "",
    isStandby: server?.standby === true,
    pending,
    ...rights,
    // Of tables that are not there yet nothing can be said.
    ...(pending.length > 0 ? { denied: [] } : {}),
  };
}

/** True on a standby, and where the user or the database is set to read-only. */
const READ_ONLY = "current_setting('transaction_read_only') = 'on'";

/** What the user may not do there now, in one query. @throws DatabaseError */
export async function readDatabaseRights(
  database: Database,
  needed: readonly TablePrivilege[],
): Promise<DatabaseRights> {
  const [row] = await database.query<{ read_only: boolean; denied: readonly number[] }>(
    `SELECT ${READ_ONLY} AS read_only, ARRAY(${DENIED}) AS denied`,
    paramsOf(database, needed),
  );
  return {
    schema: database.schema,
    readOnly: row?.read_only === true,
    denied: (row?.denied ?? []).flatMap((at) => needed[at - 1] ?? []),
  };
}

/** Postgres' clock, ms since 1970. @throws DatabaseError */
export async function databaseTime(database: Database): Promise<number> {
  const [row] = await database.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return row?.now.getTime() ?? Number.NaN;
}

/** The places, from 1, of the privileges that the user does not have. */
const DENIED = `
  SELECT at::int FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS needed (name, privilege, at)
  WHERE has_table_privilege(to_regclass(name), privilege) IS NOT TRUE ORDER BY at`;

function paramsOf({ table: nameOf }: Database, needed: readonly TablePrivilege[]): unknown[] {
  return [needed.map(({ table }) => nameOf(table)), needed.map(({ privilege }) => privilege)];
}
