import type { DatabaseFacts, TablePrivilege } from "../../config/postgres-requirements.ts";
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
  return {
    version: server?.version ?? "",
    isStandby: server?.standby === true,
    pending,
    // Of tables that are not there yet nothing can be said.
    denied: pending.length > 0 ? [] : await deniedOf(database, needed),
  };
}

/** Postgres' clock, ms since 1970. @throws DatabaseError */
export async function databaseTime(database: Database): Promise<number> {
  const [row] = await database.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return row?.now.getTime() ?? Number.NaN;
}

async function deniedOf(
  database: Database,
  needed: readonly TablePrivilege[],
): Promise<readonly TablePrivilege[]> {
  const rows = await database.query<{ at: number }>(
    `SELECT at::int FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS needed (name, privilege, at)
     WHERE has_table_privilege(to_regclass(name), privilege) IS NOT TRUE ORDER BY at`,
    [needed.map(({ table }) => table), needed.map(({ privilege }) => privilege)],
  );
  return rows.flatMap(({ at }) => needed[at - 1] ?? []);
}
