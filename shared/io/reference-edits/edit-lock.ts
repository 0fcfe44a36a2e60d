import { setTimeout as delay } from "node:timers/promises";
import { READ_TABLES, ROUTER_TABLES } from "../../reference/reference.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import { holdersOf } from "../postgres/migration-lock.ts";

/** The lock under which the reference is edited: one edit at a time, and no SQL of others in between. */

/** Any number that no other program in the database uses for an advisory lock. */
export const EDIT_LOCK = 716_093_255;
const RETRY_MS = 50;
/** SQLSTATE of an edit that waited too long; its message says who holds the tables. */
export const LOCK_NOT_AVAILABLE = "55P03";

/** Keeps all who write to the tables out; who reads them, such as a refresh, goes on. */
const LOCK_MODE = "SHARE ROW EXCLUSIVE";
/** Modes of `pg_locks` that go together with it. */
const HARMLESS = ["AccessShareLock", "RowShareLock"];

/**
 * Takes the lock within the open transaction, which holds it until its end. It is tried again and again instead of waited for:
 * waiting with some of the tables could end in a deadlock, and Postgres may then refuse the other's transaction.
 * @throws DatabaseError naming who holds it when that takes too long
 */
export async function takeEditLock(
  query: Database["query"],
  { table }: Pick<Database, "table">,
  { waitMsMax, isForeign = false }: { readonly waitMsMax: number; readonly isForeign?: boolean },
): Promise<void> {
  const relations = (isForeign ? ROUTER_TABLES : READ_TABLES).map((name) => table(name));
  const until = performance.now() + waitMsMax;
  while (!(await tryEditLock(query)) || !(await tryTables(query, relations))) {
    if (performance.now() >= until) {
      const client = {
        query: async (sql: string, values?: unknown[]) => ({ rows: await query(sql, values) }),
      };
      const holders = await holdersOf(client, { lock: EDIT_LOCK, relations, except: HARMLESS });
      throw new DatabaseError(
        `the reference is being changed by another session, for more than ${waitMsMax / 1000} s: ${holders}`,
        "unavailable",
        LOCK_NOT_AVAILABLE,
      );
    }
    await delay(RETRY_MS);
  }
}

/** Whether the advisory part of the lock was taken, which keeps only other edits out; false when another session has it. */
export async function tryEditLock(query: Database["query"]): Promise<boolean> {
  const [row] = await query<{ taken: boolean }>(`SELECT pg_try_advisory_xact_lock(${EDIT_LOCK}) AS taken`);
  return row?.taken === true;
}

async function tryTables(query: Database["query"], relations: readonly string[]): Promise<boolean> {
  await query("SAVEPOINT before_lock");
  try {
    await query(`LOCK TABLE ${relations.join(", ")} IN ${LOCK_MODE} MODE NOWAIT`);
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.sqlstate !== LOCK_NOT_AVAILABLE) throw error;
    await query("ROLLBACK TO SAVEPOINT before_lock");
    return false;
  }
}
