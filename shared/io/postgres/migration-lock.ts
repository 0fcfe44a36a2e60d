import { setTimeout as delay } from "node:timers/promises";
import { printable } from "../../text.ts";
import { DatabaseError, type MigrateOptions } from "./database.ts";
import { HISTORY_TABLE, nameIn, TABLES } from "./table-names.ts";

/**
 * The lock among processes that migrate one database: held by a transaction, so that it ends with it. A session's lock is left
 * behind on a pooler in transaction mode.
 */

/** The part of a client that migrations need. Without values, `sql` may hold several statements. */
export interface MigrationClient {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Any number that no other program in the database uses for an advisory lock. */
export const MIGRATION_LOCK = 716_093_254;
const ASK_MS = 200;

/** Waits for the lock within the open transaction. @throws DatabaseError naming who holds it when it takes too long */
export async function takeMigrationLock(
  client: MigrationClient,
  { schema, waitMsMax, onWait }: LockOptions,
): Promise<void> {
  const until = performance.now() + waitMsMax;
  let reported = false;
  for (;;) {
    const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${MIGRATION_LOCK}) AS taken`);
    if ((rows[0] as { taken?: unknown } | undefined)?.taken === true) return;
    const holders = await currentHolders(client, schema);
    if (performance.now() >= until) {
      const waited = `another process has been migrating this database for more than ${waitMsMax / 1000} s`;
      throw new DatabaseError(`${waited}: ${holders}`, "unavailable", undefined);
    }
    if (!reported) onWait(`another process migrates this database, waiting for it: ${holders}`);
    reported = true;
    await delay(Math.min(ASK_MS, waitMsMax));
  }
}

interface LockOptions extends Required<Pick<MigrateOptions, "waitMsMax" | "onWait">> {
  readonly schema: string | undefined;
}

interface Holder {
  readonly pid: number;
  readonly name: string | null;
  readonly role: string | null;
  readonly state: string | null;
  readonly since: string | null;
}

/** Other sessions that hold the lock, or a table in one of the modes. Of another role Postgres tells the pid only. */
const HOLDERS = `
  SELECT DISTINCT a.pid, a.application_name AS name, a.usename AS role, a.state,
    to_char(COALESCE(a.xact_start, a.backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.granted AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (
      l.locktype = 'advisory' AND l.classid = 0 AND l.objid = $2::int AND l.objsubid = 1
      OR l.locktype = 'relation' AND l.relation = ANY (ARRAY(SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS names (name)))
        AND l.mode <> ALL ($3::text[])
    )
  ORDER BY a.pid LIMIT 5`;

/** Who is waited for, for people, and how to end it. */
export async function currentHolders(client: MigrationClient, schema: string | undefined): Promise<string> {
  const names = [HISTORY_TABLE, ...TABLES].map((name) => nameIn(schema, name));
  return holdersOf(client, { lock: MIGRATION_LOCK, relations: names });
}

/** Sessions that hold an advisory lock, or a relation otherwise than in these modes, for people. */
export async function holdersOf(
  client: MigrationClient,
  { lock, relations, except = [] }: Held,
): Promise<string> {
  const { rows } = await client.query(HOLDERS, [[...relations], lock, [...except]]);
  const holders = rows as Holder[];
  if (holders.length === 0) return "it has ended just now; run the command again";
  const list = holders.map(holderText).join("; ");
  return `${list}. Let it end, or end it with SELECT pg_terminate_backend(<pid>)`;
}

interface Held {
  readonly lock: number;
  /** As statements name them. */
  readonly relations: readonly string[];
  /** Modes that block no other session, as `pg_locks` names them. */
  readonly except?: readonly string[];
}

function holderText({ pid, name, role, state, since }: Holder): string {
  const parts = [
    name === null || name === "" ? "without an application_name" : `application_name ${printable(name)}`,
    ...(role === null ? [] : [`role ${printable(role)}`]),
    ...(state === null ? [] : [state]),
    ...(since === null ? [] : [`since ${since}`]),
  ];
  return `pid ${pid} (${parts.join(", ")})`;
}
