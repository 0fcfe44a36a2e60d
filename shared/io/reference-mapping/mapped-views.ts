import { readFile } from "node:fs/promises";
import { REFERENCE_TABLES, type ReferenceTable } from "../../reference/reference.ts";
import { quoted } from "../postgres/table-names.ts";
import type { OldSystem } from "./old-systems.ts";

/** The query of each view in the system's SQL file, which is written for psql, with the names of schema and table of tickers. */
export async function mappedViews(
  { system, source }: OldSystem,
  tickers: string,
): Promise<Record<ReferenceTable, string>> {
  const file = await readFile(new URL(`${system}.sql`, import.meta.url), "utf8");
  const names: Readonly<Record<string, string>> = { source, tickers };
  // Comments first: a name with a line break in it must not end one.
  const sql = file.replaceAll(/^--.*$/gm, "").replaceAll(/:"(\w+)"/g, (_, name: string) => {
    const value = names[name];
    if (value === undefined) throw new Error(`${system}.sql has the unknown variable ${name}`);
    return quoted(value);
  });
  const queries = new Map(
    [...sql.matchAll(/^CREATE VIEW (\w+) AS\n(.*?);$/gms)].map(([, view = "", query = ""]) => [view, query]),
  );
  return Object.fromEntries(
    REFERENCE_TABLES.map((table): [ReferenceTable, string] => {
      const query = queries.get(table);
      if (query === undefined) throw new Error(`${system}.sql has no view ${table}`);
      return [table, query];
    }),
  ) as Record<ReferenceTable, string>;
}
