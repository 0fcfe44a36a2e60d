import type { Database } from "../postgres/database.ts";

/** The names of signals by id, which people give: no decision needs them, so a snapshot has none. @throws DatabaseError */
export async function readSignalNames(db: Database): Promise<ReadonlyMap<number, string>> {
  const rows = await db.query<{ id: unknown; name: unknown }>(`SELECT id, name FROM ${db.table("signals")}`);
  return new Map(rows.map(({ id, name }) => [Number(id), String(name)]));
}
