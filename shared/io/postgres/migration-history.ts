import { originIn, type ReferenceOrigin } from "../../reference/reference-kind.ts";
import { REFERENCE_TABLES } from "../../reference/reference.ts";
import type { Database } from "./database.ts";
import { HISTORY_TABLE, nameAside, nameIn, quoted, TABLES } from "./table-names.ts";

/** What was applied to a database before, and where it stands. */

/** A migration, or a start, that would be wrong in this database; the message says what to do. Nothing was changed. */
export class MigrationRefusedError extends Error {
  override readonly name = "MigrationRefusedError";
}

/** Names in the history, the oldest first; undefined when there is no history. @throws DatabaseError */
export async function readHistory(
  query: Database["query"],
  schema: string | undefined,
): Promise<readonly string[] | undefined> {
  const table = nameIn(schema, HISTORY_TABLE);
  const found =
    schema === undefined
      ? await query("SELECT 1 FROM pg_class WHERE oid = to_regclass($1)", [table])
      : await query(IN_SCHEMA, [schema, HISTORY_TABLE]);
  if (found.length === 0) return undefined;
  const rows = await query<{ name: string }>(`SELECT name FROM ${table} ORDER BY run_on, id`);
  return rows.map(({ name }) => name);
}

/** Whose reference a database has; undefined before its first migration. @throws DatabaseError */
export async function readReferenceOrigin(
  db: Pick<Database, "query" | "schema">,
): Promise<ReferenceOrigin | undefined> {
  const history = await readHistory(db.query, db.schema);
  return history === undefined ? undefined : originIn(history);
}

/** Not to_regclass: a session that has waited for another migration in its transaction may still hold that there is no table. */
const IN_SCHEMA = `
  SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2`;

interface Found {
  readonly schema: string;
  readonly name: string;
}

/**
 * Refuses a schema without a history when the connection finds one without the schema: an installation would begin again with
 * empty tables. @throws MigrationRefusedError with the statements that move the tables, DatabaseError
 */
export async function refuseMisplacedTables(
  query: Database["query"],
  schema: string | undefined,
): Promise<void> {
  if (schema === undefined || (await readHistory(query, schema)) !== undefined) return;
  const names = [HISTORY_TABLE, ...TABLES, ...REFERENCE_TABLES.map(nameAside)];
  const found = await query<Found>(FOUND_WITHOUT_SCHEMA, [names]);
  const history = found.find(({ name }) => name === HISTORY_TABLE);
  if (history === undefined) return;
  const moves = found
    .filter((relation) => relation.schema !== schema)
    .map(
      (relation) => `ALTER TABLE ${quoted(relation.schema)}.${relation.name} SET SCHEMA ${quoted(schema)};`,
    );
  throw new MigrationRefusedError(
    [
      `DATABASE_SCHEMA is ${JSON.stringify(schema)}, where this router has no tables, while the database has a router's tables in schema ${JSON.stringify(history.schema)}. To move them, stop the router, run these statements as the owner of the tables, and start it again:`,
      `  CREATE SCHEMA IF NOT EXISTS ${quoted(schema)};`,
      ...moves.map((statement) => `  ${statement}`),
      "To leave them as they are and make new, empty tables for another router: npm run migrate -- --beside",
    ].join("\n"),
  );
}

const FOUND_WITHOUT_SCHEMA = `
  SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, at)
  JOIN pg_class c ON c.oid = to_regclass(wanted.name) JOIN pg_namespace n ON n.oid = c.relnamespace
  ORDER BY at`;

/** The relations of these names in the schema where new ones are made, with their kind. @throws DatabaseError */
export async function relationsNamed(
  query: Database["query"],
  names: readonly string[],
): Promise<ReadonlyMap<string, "table" | "other">> {
  const rows = await query<{ name: string; is_table: boolean }>(
    `SELECT c.relname::text AS name, c.relkind IN ('r', 'p') AS is_table
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = current_schema() AND c.relname = ANY ($1::text[])
     ORDER BY array_position($1::text[], c.relname::text)`,
    [names],
  );
  return new Map(rows.map(({ name, is_table: isTable }) => [name, isTable ? "table" : "other"]));
}

/** Refuses to make relations whose names are in use. @throws MigrationRefusedError, DatabaseError */
export async function refuseTakenNames(query: Database["query"], names: readonly string[]): Promise<void> {
  const taken = [...(await relationsNamed(query, names)).keys()];
  if (taken.length === 0) return;
  const [place] = await query<{ schema: string }>("SELECT current_schema()::text AS schema");
  throw new MigrationRefusedError(
    `${taken.join(", ")} already exist in schema ${place?.schema ?? ""}, and the history of the router's migrations (${HISTORY_TABLE}) does not know them: set DATABASE_SCHEMA to a schema of the router's own, such as signal_router, or rename them`,
  );
}
