/** Inserting many rows with one parameter. */

/** Columns of a table by name, with their Postgres types. */
export type Columns = Readonly<
  Record<string, "text" | "integer" | "boolean" | "uuid" | "timestamptz" | "jsonb">
>;

/** A JSON value for each column. */
export type RowOf<C extends Columns> = Readonly<Record<keyof C, unknown>>;

/**
 * Rows as one parameter: a JSON object with one array per column, faster than one object per row, which repeats every name.
 * Array parameters (`unnest`) took Postgres 8 % less time, but Node twice as much to write: hardly a gain in total.
 */
export function columnsJson<C extends Columns>(columns: C, rows: readonly RowOf<C>[]): string {
  const byColumn = Object.keys(columns).map((name) => [name, rows.map((row) => row[name])]);
  return JSON.stringify(Object.fromEntries(byColumn));
}

/**
 * A query for the rows of a `columnsJson` parameter, numbered from 1 in the column `number`. OFFSET 0 prevents the planner from
 * evaluating the value itself and keeping copies in the plan: 4 % of the time of an insert.
 */
export function rowsQuery(columns: Columns, parameter: string): string {
  const names = Object.keys(columns);
  const values = Object.entries(columns).map(([name, type]) =>
    type === "text" || type === "jsonb" ? name : `${name}::${type} AS ${name}`,
  );
  const arrays = Object.entries(columns).map(
    ([name, type]) => `jsonb_array_elements${type === "jsonb" ? "" : "_text"}(given.columns -> '${name}')`,
  );
  return `
    SELECT number, ${values.join(", ")} FROM (SELECT ${parameter}::jsonb AS columns OFFSET 0) given,
    ROWS FROM (${arrays.join(", ")}) WITH ORDINALITY AS r (${names.join(", ")}, number)`;
}
