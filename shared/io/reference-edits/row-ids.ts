import type { NewIds } from "../../reference-document/wanted-options.ts";
import type { Database } from "../postgres/database.ts";

/** Reads which ids new rows may have: those of former rows with their names, else ids that no row has had. */
export async function readNewIds(
  query: Database["query"],
  db: Pick<Database, "table">,
  names: { readonly signals: readonly string[]; readonly strategies: readonly string[] },
): Promise<NewIds> {
  const [signals, strategies] = [
    await readTable(query, db, { name: "signals", wanted: names.signals }),
    await readTable(query, db, { name: "strategies", wanted: names.strategies }),
  ];
  return {
    next: { signals: signals.next, strategies: strategies.next },
    former: { signals: signals.former, strategies: strategies.former },
  };
}

interface Table {
  readonly name: "signals" | "strategies";
  /** Names that no row has now; without any, nothing is read. */
  readonly wanted: readonly string[];
}

async function readTable(
  query: Database["query"],
  { table }: Pick<Database, "table">,
  { name, wanted }: Table,
) {
  if (wanted.length === 0) return { next: 1, former: new Map<string, number>() };
  const history = `${table("reference_changes")} change, jsonb_to_recordset(change.rows -> '${name}') AS was (id int, name text)`;
  const [highest] = await query<{ id: number | null }>(
    `SELECT GREATEST(
       (SELECT max(id) FROM ${table(name)}),
       (SELECT max(was.id) FROM ${history}),
       ${name === "strategies" ? `(SELECT max(strategy_id) FROM ${table("signal_log_entries")}),` : ""}
       (SELECT CASE WHEN has_sequence_privilege(sequence, 'USAGE, SELECT') THEN pg_sequence_last_value(sequence) END
        FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence) found)
     )::int AS id`,
    [table(name)],
  );
  const rows = await query<{ id: number; name: string }>(
    `SELECT DISTINCT ON (was.name) was.name, was.id FROM ${history}
     WHERE was.name = ANY ($1::text[]) ORDER BY was.name, change.id DESC`,
    [[...wanted]],
  );
  return {
    next: Math.max(0, highest?.id ?? 0) + 1,
    former: new Map(rows.map((row) => [row.name, row.id])),
  };
}
