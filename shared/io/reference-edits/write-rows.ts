import type { RowsDiff, TableDiff } from "../../reference-document/table-diff.ts";
import { READ_TABLES, type ReadTable } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";
import { KEY_COLUMNS } from "../reference/reference-source.ts";
import { columnsOf } from "./rows-json.ts";

/** Writes what differs into the tables, within the open transaction. @throws DatabaseError */
export async function writeRows(
  query: Database["query"],
  { table }: Pick<Database, "table">,
  found: RowsDiff,
): Promise<void> {
  const writer = { query, nameOf: table };
  // Before anything goes, what names it.
  for (const name of [...READ_TABLES].toReversed()) await deleteRows(writer, name, found[name].deleted);
  for (const name of ["signals", "strategies"] as const) await freeNames(writer, name, found[name]);
  for (const name of READ_TABLES) {
    const { updated, inserted } = found[name];
    await updateRows(writer, name, updated);
    await insertRows(writer, name, inserted);
  }
  for (const name of ["signals", "strategies"] as const)
    await raiseSequence(writer, name, found[name].inserted);
}

interface Writer {
  readonly query: Database["query"];
  readonly nameOf: Database["table"];
}

/** A parameter's rows under the table's own types. */
const given = (table: string): string => `jsonb_populate_recordset(NULL::${table}, $1::jsonb) given`;

async function deleteRows(
  { query, nameOf }: Writer,
  name: ReadTable,
  rows: readonly object[],
): Promise<void> {
  if (rows.length === 0) return;
  const table = nameOf(name);
  await query(`DELETE FROM ${table} stored USING ${given(table)} WHERE ${sameKey(name)}`, [
    JSON.stringify(rows),
  ]);
}

/** Names are unique at every moment, so those that are given up go first: two rows may swap theirs. */
async function freeNames(
  { query, nameOf }: Writer,
  name: "signals" | "strategies",
  { updated }: TableDiff<{ readonly id: number; readonly name: string }>,
): Promise<void> {
  const ids = updated.flatMap(({ before, after }) => (before.name === after.name ? [] : [after.id]));
  if (ids.length === 0) return;
  await query(
    `UPDATE ${nameOf(name)} SET name = 'renaming ' || id || ' ' || gen_random_uuid() WHERE id = ANY ($1::int[])`,
    [ids],
  );
}

async function updateRows(
  { query, nameOf }: Writer,
  name: ReadTable,
  rows: readonly { readonly after: object }[],
): Promise<void> {
  if (rows.length === 0) return;
  const table = nameOf(name);
  const keys: readonly string[] = KEY_COLUMNS[name];
  const cells = columnsOf(name)
    .filter((column) => !keys.includes(column))
    .map((column) => `${column} = given.${column}`);
  await query(`UPDATE ${table} stored SET ${cells.join(", ")} FROM ${given(table)} WHERE ${sameKey(name)}`, [
    JSON.stringify(rows.map(({ after }) => after)),
  ]);
}

async function insertRows(
  { query, nameOf }: Writer,
  name: ReadTable,
  rows: readonly object[],
): Promise<void> {
  if (rows.length === 0) return;
  const table = nameOf(name);
  const columns = columnsOf(name).join(", ");
  await query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${given(table)}`, [
    JSON.stringify(rows),
  ]);
}

function sameKey(name: ReadTable): string {
  return KEY_COLUMNS[name].map((column) => `stored.${column} = given.${column}`).join(" AND ");
}

/** Rows that SQL inserts later go on after the ids that were given here, as far as the user may set the sequence. */
async function raiseSequence(
  { query, nameOf }: Writer,
  name: "signals" | "strategies",
  rows: readonly { readonly id: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  const id = rows.reduce((highest, row) => Math.max(highest, row.id), 0);
  await query(
    `SELECT setval(sequence, $2::int) FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence) found
     WHERE has_sequence_privilege(sequence, 'UPDATE') AND COALESCE(pg_sequence_last_value(sequence), 0) < $2::int`,
    [nameOf(name), id],
  );
}
