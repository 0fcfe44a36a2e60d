import { REFERENCE_TABLES } from "../../reference/reference.ts";
import type { Migration } from "./database.ts";
import { MigrationRefusedError, refuseTakenNames, relationsNamed } from "./migration-history.ts";
import { nameAside, quoted } from "./table-names.ts";

/**
 * Moves the router's own reference tables out of the way of other relations, and back. Only the tables are renamed: sequences,
 * indexes and constraints keep their names, ids go on where they were, and grants and foreign keys stay.
 */

/** Renames the own tables to `own_<name>`, unless that was done. @throws DatabaseError */
export async function moveOwnAside(migration: Migration): Promise<void> {
  if (await areAside(migration)) return;
  for (const table of REFERENCE_TABLES) await migration.run(renaming(table, nameAside(table)));
}

/** Gives own tables that were moved aside their names again; does nothing when there are none. @throws MigrationRefusedError */
export async function putOwnBack(migration: Migration): Promise<void> {
  await refuseTakenNames(migration.query, REFERENCE_TABLES);
  if (!(await areAside(migration))) return;
  for (const table of REFERENCE_TABLES) await migration.run(renaming(nameAside(table), table));
}

/** Drops the views over another system's tables; a table under one of their names stays. @throws DatabaseError */
export async function dropViews({ query, run }: Migration): Promise<void> {
  const found = await relationsNamed(query, REFERENCE_TABLES);
  const views = [...found].flatMap(([name, kind]) => (kind === "table" ? [] : [quoted(name)]));
  if (views.length > 0) await run(`DROP VIEW ${views.join(", ")}`);
}

/**
 * Another program's relations cannot stand under the five names as long as the own tables do.
 * @throws MigrationRefusedError with the statements that make room
 */
export async function refuseOwnInPlace(migration: Migration): Promise<void> {
  if (await areAside(migration)) return;
  const renamings = REFERENCE_TABLES.map((table) => `  ${renaming(table, nameAside(table))};`);
  throw new MigrationRefusedError(
    [
      "the five names are the router's own tables. Run these statements, and those that make your relations under the five names, in one transaction, and then this command again:",
      ...renamings,
    ].join("\n"),
  );
}

async function areAside({ query }: Migration): Promise<boolean> {
  const found = await relationsNamed(query, REFERENCE_TABLES.map(nameAside));
  return found.size === REFERENCE_TABLES.length;
}

/** In a migration, names are those of the router's schema. */
function renaming(from: string, to: string): string {
  return `ALTER TABLE ${from} RENAME TO ${to}`;
}
