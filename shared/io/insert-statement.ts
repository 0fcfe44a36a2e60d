/** Columns of a table by name, with their Postgres types. */
export type Columns = Readonly<
  Record<string, "text" | "integer" | "boolean" | "uuid" | "timestamptz" | "jsonb">
>;

/** A value for each column, as JSON has it. */
export type RowOf<C extends Columns> = Readonly<Record<keyof C, unknown>>;

/**
 * Rows as one parameter: a JSON object with one array per column. Measured with `pg` and PostgreSQL 18 on two cores
 * that others used too, 256 signals with 5 outcomes each per call, medians of four rounds: 7,800 signals/s (47,000
 * rows/s), against 7,000 with `jsonb_to_recordset` and 6,400 with `json_to_recordset` over row objects, which repeat
 * every name in every row.
 */
export function columnsJson<C extends Columns>(columns: C, rows: readonly RowOf<C>[]): string {
  const byColumn = Object.keys(columns).map((name) => [name, rows.map((row) => row[name])]);
  return JSON.stringify(Object.fromEntries(byColumn));
}

/** The rows of a `columnsJson` parameter, as a query. */
export function rowsQuery(columns: Columns, parameter: string): string {
  const names = Object.keys(columns);
  const values = Object.entries(columns).map(([name, type]) =>
    type === "text" || type === "jsonb" ? name : `${name}::${type} AS ${name}`,
  );
  const arrays = Object.entries(columns).map(
    ([name, type]) => `jsonb_array_elements${type === "jsonb" ? "" : "_text"}(given.columns -> '${name}')`,
  );
  return `
    SELECT ${values.join(", ")} FROM (SELECT ${parameter}::jsonb AS columns) given,
    ROWS FROM (${arrays.join(", ")}) AS r (${names.join(", ")})`;
}
