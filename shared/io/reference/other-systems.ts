import type { Database } from "../postgres/database.ts";
import { quoted } from "../postgres/table-names.ts";

/** Finds the tables of a system that the router can read its reference from, while the router's own are empty. */

/** A system whose strategies stand in the same database. */
export interface OtherSystem {
  readonly system: "v4" | "v2";
  readonly schema: string;
}

/** Undefined when the own reference has rows, or there is no such system. @throws DatabaseError */
export async function readOtherSystem({ query, table }: Database): Promise<OtherSystem | undefined> {
  const [own] = await query<{ empty: boolean }>(
    `SELECT NOT EXISTS (SELECT FROM ${table("signals")})
       AND NOT EXISTS (SELECT FROM ${table("strategies")}) AS empty`,
  );
  if (own?.empty !== true) return undefined;
  for (const { schema, name } of await query<{ schema: string; name: string }>(CANDIDATES)) {
    const rows = await query(`SELECT 1 FROM ${quoted(schema)}.${name} LIMIT 1`);
    if (rows.length > 0) return { system: name === "strategies_v4" ? "v4" : "v2", schema };
  }
  return undefined;
}

const CANDIDATES = `
  SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname IN ('strategies_v4', 'strategies_v2') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
  ORDER BY c.relname DESC, n.nspname <> 'public', n.nspname`;

/** What to do about it, for people. */
export function otherSystemText({ system, schema }: OtherSystem): string {
  const source = schema === "public" ? "" : ` --source ${schema}`;
  return `the router's own reference is empty, while the tables of ${system} in schema ${schema} have strategies: to trade on them, run \`npm run migrate -- --reference ${system}${source} --switch\``;
}
