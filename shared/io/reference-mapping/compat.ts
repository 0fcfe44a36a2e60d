import type { Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** Stand-in for the view of the old log. */

export async function compatStatements(
  _query: Database["query"],
  of: { on: boolean; source: string; table: NameTable },
): Promise<readonly string[]> {
  return Promise.resolve([`SELECT '${of.on ? "on" : "off"}'`]);
}
