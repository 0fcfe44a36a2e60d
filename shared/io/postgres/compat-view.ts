import type { Database } from "./database.ts";

/** The log of the system before, which its UI reads, and the name of its own rows while a view unites both. */
const OLD_LOG = "signals_v4_log";
const OLD_ROWS = "signals_v4_log_old";

/**
 * Whether the UI of the system before reads this router's log: its table is a view then, with the old rows in a table beside it.
 * @throws DatabaseError
 */
export async function isCompatOn(db: Database): Promise<boolean> {
  const [row] = await db.query<{ is_on: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_class seen JOIN pg_class kept ON kept.relnamespace = seen.relnamespace
       WHERE seen.relname = $1 AND seen.relkind = 'v' AND kept.relname = $2
     ) AS is_on`,
    [OLD_LOG, OLD_ROWS],
  );
  return row?.is_on === true;
}
