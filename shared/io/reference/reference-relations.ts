import { READ_TABLES, type ReadTable } from "../../reference/reference.ts";
import { REFERENCE_COLUMNS, type Column } from "../../reference/row-columns.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** Looks at the relations that the reference is read from: tables of the router, or views and tables of other programs. */

/** How one of them is read. */
export interface Relation {
  /** Columns that it has and the router reads, in the router's order. */
  readonly columns: readonly string[];
  /** Types of its columns, as Postgres writes them, that are of another sort than the router reads. */
  readonly otherTypes: ReadonlyMap<string, string>;
}

interface Row {
  readonly at: number;
  readonly found: boolean;
  readonly columns: readonly FoundColumn[];
}

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly category: string;
  readonly is_json: boolean;
  readonly readable: boolean;
}

/**
 * The relations, looked up in one query; without those that are not there.
 * @throws DatabaseError naming table and column that are missing or may not be read
 */
export async function lookUpRelations(
  query: Database["query"],
  table: NameTable,
): Promise<ReadonlyMap<ReadTable, Relation>> {
  const rows = await query<Row>(LOOK_UP, [READ_TABLES.map((name) => table(name))]);
  const found = new Map(rows.map((row) => [row.at, row]));
  return new Map(
    READ_TABLES.flatMap((name, index) => {
      const row = found.get(index + 1);
      return row?.found === true ? [[name, relationOf(name, row.columns)] as const] : [];
    }),
  );
}

const LOOK_UP = `
  SELECT at::int, relation IS NOT NULL AS found, COALESCE((
    SELECT jsonb_agg(jsonb_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, NULL), 'category', t.typcategory,
      'is_json', COALESCE(NULLIF(t.typbasetype, 0), t.oid) IN ('json'::regtype, 'jsonb'::regtype),
      'readable', has_column_privilege(a.attrelid, a.attnum, 'SELECT')))
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  ), '[]') AS columns
  FROM (
    SELECT at, to_regclass(name) AS relation FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, at)
  ) relations`;

function relationOf(table: ReadTable, found: readonly FoundColumn[]): Relation {
  const byName = new Map(found.map((column) => [column.name, column]));
  const wanted = Object.entries<Column<unknown>>(REFERENCE_COLUMNS[table]);
  const missing = wanted.find(([name, { absent }]) => absent === undefined && !byName.has(name));
  if (missing !== undefined)
    throw relationFault(
      { table, column: missing[0], what: "is missing, and has no default: add it to the table or view" },
      "42703",
    );
  const columns = wanted.flatMap(([name]) => byName.get(name) ?? []);
  const hidden = columns.find(({ readable }) => !readable);
  if (hidden !== undefined)
    throw relationFault(
      {
        table,
        column: hidden.name,
        what: `may not be read by the user of DATABASE_URL: GRANT SELECT ON ${table} to it`,
      },
      "42501",
    );
  return {
    columns: columns.map(({ name }) => name),
    otherTypes: new Map(
      columns.flatMap((column) =>
        isOfSort(column, sortOf(column.name)) ? [] : [[column.name, column.type] as const],
      ),
    ),
  };
}

/** What the router finds in a column with one of these types, and with no other. */
type Sort = "number" | "text" | "boolean" | "json" | "list";

const SORTS: Readonly<Record<Exclude<Sort, "text">, ReadonlySet<string>>> = {
  number: new Set(["id", "strategy_id", "signal_id", "signal_age_ms_max", "exit_age_ms_max"]),
  boolean: new Set(["enabled", "archived", "allow_open", "reverse", "use_all_tickers", "shadow", "exits"]),
  json: new Set(["params", "template"]),
  list: new Set(["exchanges"]),
};

function sortOf(column: string): Sort {
  const sorts = Object.entries(SORTS) as [keyof typeof SORTS, ReadonlySet<string>][];
  return sorts.find(([, columns]) => columns.has(column))?.[0] ?? "text";
}

/** By Postgres' categories of types: N numbers, B boolean, A arrays, S strings, E enums, X unknown literals. */
const CATEGORIES: Readonly<Record<Exclude<Sort, "json">, string>> = {
  number: "N",
  text: "SEX",
  boolean: "B",
  list: "A",
};

function isOfSort({ category, is_json: isJson }: FoundColumn, sort: Sort): boolean {
  return sort === "json" ? isJson : CATEGORIES[sort].includes(category);
}

/**
 * Refuses rows in which a column of another type holds values that cannot be read: then the mapping is wrong, not a row.
 * @throws DatabaseError naming table and column
 */
export function refuseOtherTypes(
  table: ReadTable,
  { otherTypes }: Relation,
  rows: readonly Readonly<Record<string, unknown>>[],
): void {
  const readers: Readonly<Record<string, Column<unknown>>> = REFERENCE_COLUMNS[table];
  for (const [column, type] of otherTypes) {
    const isUnreadable = rows.some(
      (row) => row[column] !== null && readers[column]?.read(row[column]) === undefined,
    );
    if (!isUnreadable) continue;
    const expected = readers[column]?.expected ?? "";
    const what = `is of type ${type}, expected ${expected}: cast it in the view`;
    throw relationFault({ table, column, what }, "42804");
  }
}

function relationFault(
  { table, column, what }: { readonly table: ReadTable; readonly column: string; readonly what: string },
  sqlstate: string,
): DatabaseError {
  return new DatabaseError(`table ${table}, column ${column} ${what}`, "unavailable", sqlstate);
}
