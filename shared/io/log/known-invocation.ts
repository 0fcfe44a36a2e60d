import { DatabaseError, type Database } from "../postgres/database.ts";

/** Whether the table `invocations` has this id; undefined while Postgres is unavailable. */
export async function isInvocationLogged(db: Database, id: string): Promise<boolean | undefined> {
  try {
    const rows = await db.query(`SELECT 1 FROM ${db.table("invocations")} WHERE id = $1`, [id]);
    return rows.length > 0;
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === "unavailable") return undefined;
    throw error;
  }
}
