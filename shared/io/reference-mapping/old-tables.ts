import type { Database } from "../postgres/database.ts";
import { quoted } from "../postgres/table-names.ts";
import { OLD_SYSTEMS, type OldSystem, type OldSystemForm, type OldTableForm } from "./old-systems.ts";

/** Looks up the tables and columns that a mapping reads, and says what the views cannot be made without. */

/** A table of the old system as it is in this database. */
export interface OldTable {
  readonly name: string;
  /** Those that the mapping knows and the table has. */
  readonly columns: readonly string[];
  /** What each column that is missing means, as a sentence for people. */
  readonly missing: readonly string[];
}

export type OldTables = { readonly [Table in keyof OldSystemForm]: OldTable };

export type FoundTables =
  | { readonly ok: true; readonly tables: OldTables }
  /** Why the views cannot be made, each with what to do. */
  | { readonly ok: false; readonly faults: readonly string[] };

interface ColumnFact {
  readonly table: string;
  /** Null: the table has no columns. */
  readonly column: string | null;
  readonly type: string;
  /** Letter of the type's category in pg_type. */
  readonly category: string;
  readonly readable: boolean;
}

const CATEGORIES = { numbers: ["N"], text: ["S", "E"], "true or false": ["B"] } as const;

const COLUMNS = `
  SELECT c.relname::text AS table, a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type,
    t.typcategory::text AS category, has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
  FROM pg_class c
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY ($2::text[])`;

export async function readOldTables(query: Database["query"], of: OldSystem): Promise<FoundTables> {
  const { system, source } = of;
  const role = await currentRole(query);
  const schemaFault = await schemaFaultOf(query, source, role);
  if (schemaFault !== undefined) return { ok: false, faults: [schemaFault] };
  const forms = Object.entries(OLD_SYSTEMS[system]) as [keyof OldSystemForm, OldTableForm][];
  const facts = await query<ColumnFact>(COLUMNS, [source, forms.flatMap(([, { names }]) => names)]);
  const faults: string[] = [];
  const tables: Partial<Record<keyof OldSystemForm, OldTable>> = {};
  for (const [table, form] of forms) {
    const name = form.names.find((each) => facts.some((fact) => fact.table === each));
    if (name === undefined) {
      faults.push(
        `schema ${source} has no table ${form.names.join(" or ")}, which the mapping of ${system} reads: name the schema that has it, or ${OWN_MAPPING}`,
      );
      continue;
    }
    const columns = facts.filter((fact) => fact.table === name);
    faults.push(...tableFaults({ of, form, name, columns, role }));
    tables[table] = oldTable(form, name, columns);
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, tables: tables as OldTables };
}

const OWN_MAPPING = "write a mapping of your own (shared/io/reference-mapping/README.md)";

interface FoundTable {
  readonly of: OldSystem;
  readonly form: OldTableForm;
  readonly name: string;
  readonly columns: readonly ColumnFact[];
  readonly role: string;
}

function tableFaults({ of: { system, source }, form, name, columns, role }: FoundTable): string[] {
  const known = columns.filter(({ column }) => column !== null && Object.hasOwn(form.columns, column));
  const unreadable = known.some(({ readable }) => !readable)
    ? [
        `table ${source}.${name}: role ${role} may not read it: as its owner, GRANT SELECT ON ${quoted(source)}.${quoted(name)} TO ${quoted(role)}`,
      ]
    : [];
  const faults = Object.entries(form.columns).flatMap(([column, { holds, ifMissing }]) => {
    const fact = known.find((each) => each.column === column);
    const where = `table ${source}.${name}, column ${column}`;
    if (fact === undefined)
      return ifMissing === undefined
        ? [`${where}: it is not there, and the mapping of ${system} needs it: add it, or ${OWN_MAPPING}`]
        : [];
    if (CATEGORIES[holds].some((category) => category === fact.category)) return [];
    return [
      `${where}: its type is ${fact.type}, expected one that holds ${holds}: change the type, or ${OWN_MAPPING}`,
    ];
  });
  return [...unreadable, ...faults];
}

function oldTable(form: OldTableForm, name: string, columns: readonly ColumnFact[]): OldTable {
  const found = new Set(columns.map(({ column }) => column));
  const missing = Object.entries(form.columns).filter(([column]) => !found.has(column));
  return {
    name,
    columns: Object.keys(form.columns).filter((column) => found.has(column)),
    missing: missing.map(([column, { ifMissing }]) => `Table ${name} has no column ${column}: ${ifMissing}.`),
  };
}

async function schemaFaultOf(
  query: Database["query"],
  source: string,
  role: string,
): Promise<string | undefined> {
  const [row] = await query<{ usable: boolean }>(
    "SELECT has_schema_privilege(oid, 'USAGE') AS usable FROM pg_namespace WHERE nspname = $1",
    [source],
  );
  if (row === undefined)
    return `this database has no schema ${source}: name the schema of the old tables, or set DATABASE_URL to the database that has them`;
  if (row.usable) return undefined;
  return `role ${role} may not use the schema ${source}: as its owner, GRANT USAGE ON SCHEMA ${quoted(source)} TO ${quoted(role)}`;
}

async function currentRole(query: Database["query"]): Promise<string> {
  const [row] = await query<{ role: string }>("SELECT current_user::text AS role");
  return row?.role ?? "";
}
