import * as z from "zod";
import { excerpt, storable } from "../text.ts";
import { READ_TABLES, ROUTER_TABLES, type ReadTable, type Strategy } from "./reference.ts";
import { REFERENCE_COLUMNS, type Column } from "./row-columns.ts";
import { ROW_RULE_NAMES, ROW_RULES, type RowRule } from "./row-rules.ts";

/** A value in a reference row that the router cannot use. */
export interface RowFault {
  readonly table: ReadTable;
  /** Name and id of the row, as in `Trend follower (2)`. */
  readonly row: string;
  readonly column: string;
  /** What stands there; of `params`, which may hold anything, only the kind of value. */
  readonly value: string;
  /** What the row breaks together with others, when each of them can be used alone. */
  readonly rule?: RowRule;
  /** What the router does now, as a clause for people. */
  readonly effect: string;
}

/** The fault as a sentence: where, what stands there, what is expected, and what the router does now. */
export function rowFaultText({ table, row, column, value, rule, effect }: RowFault): string {
  const expected = rule === undefined ? expectedIn(table, column) : ROW_RULES[rule].expected;
  return `table ${table}, row ${row}, column ${column}: ${value} instead of ${expected}; ${effect}`;
}

/** All faults of a reference: how many, and the first of them in full. */
export interface RowFaults {
  readonly count: number;
  readonly named: readonly RowFault[];
}

export const NO_FAULTS: RowFaults = { count: 0, named: [] };

const NAMED_MAX = 20;

export function summaryOf(faults: readonly RowFault[]): RowFaults {
  return { count: faults.length, named: faults.slice(0, NAMED_MAX) };
}

/** A fault with the effect it has in this version of the router. */
export function rowFault(fault: Omit<RowFault, "effect">): RowFault {
  const { effect } = (fault.rule === undefined
    ? columnOf(fault.table, fault.column)
    : ROW_RULES[fault.rule]) ?? {
    effect: "the row is not used as it is",
  };
  return { ...fault, effect };
}

const faultsSchema = z.object({
  count: z.int(),
  named: z.array(
    z.object({
      table: z.enum(READ_TABLES),
      row: z.string(),
      column: z.string(),
      value: z.string(),
      rule: z.enum(ROW_RULE_NAMES).exactOptional(),
    }),
  ),
});

/** The faults as text of bounded size; without effects, whose wording may change with the version of the router. */
export function faultsText(faults: readonly RowFault[]): string {
  const { count, named } = summaryOf(faults);
  return JSON.stringify({
    count,
    named: named.map(({ table, row, column, value, rule }) => ({ table, row, column, value, rule })),
  });
}

/** The faults that {@link faultsText} was made from; none of a text that this router would not have written. */
export function faultsFrom(text: string | undefined): RowFaults {
  if (text === undefined) return NO_FAULTS;
  try {
    const { count, named } = faultsSchema.parse(JSON.parse(text));
    return { count, named: named.map(rowFault) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return NO_FAULTS;
    throw error;
  }
}

/** Whether routers that know only the second format of versions would not find it in the same rows. */
export function isNewFault({ table, column }: RowFault): boolean {
  return ROUTER_TABLES.some((one) => one === table) || NEW_COLUMNS.has(column);
}

const NEW_COLUMNS = new Set([
  "exchanges",
  "exit_phrase",
  "long_exit_phrase",
  "short_exit_phrase",
  "exits",
  "exit_age_ms_max",
]);

/** Sorted by table, row and column, so that they do not depend on the order of rows. */
export function sortedFaults(faults: readonly RowFault[]): RowFault[] {
  const keyOf = ({ table, row, column, rule, value }: RowFault): string =>
    [READ_TABLES.indexOf(table), row, column, ...(rule === undefined ? [] : [rule, value])].join("\0");
  return faults
    .map((fault) => ({ fault, key: keyOf(fault) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ fault }) => fault);
}

/** Why a strategy cannot run: the columns of its row that cannot be read; undefined when all can. */
export function unusableRow({
  id,
  name,
  faults = [],
}: Pick<Strategy, "id" | "name" | "faults">): UnusableRow | undefined {
  if (faults.length === 0) return undefined;
  const isNamed = faults.every(({ column }) => column !== "name");
  const row = namedId(isNamed ? name : undefined, String(id));
  const texts = faults.map(
    ({ column, value }) => `column ${column}: ${value} instead of ${expectedIn("strategies", column)}`,
  );
  return {
    text: `table strategies, row ${row}, ${texts.join("; ")}`,
    detail: { table: "strategies", row, column: faults.map(({ column }) => column).join(", ") },
  };
}

export interface UnusableRow {
  readonly text: string;
  readonly detail: { readonly table: "strategies"; readonly row: string; readonly column: string };
}

/** `Trend follower (2)`, or the id alone when there is no name. */
export function namedId(name: unknown, id: string): string {
  return typeof name === "string" && name.trim() !== "" ? `${shown(name)} (${id})` : id;
}

/** A part of a row's key for people. */
export function keyText(value: unknown): string {
  return typeof value === "string" ? shown(value) : valueText(value);
}

/** A value for people. `secret`: only what kind of value it is. */
export function valueText(value: unknown, { secret = false }: { readonly secret?: boolean } = {}): string {
  if (value === null) return "NULL";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return secret ? "an object that jsonb cannot hold" : "an object";
  if (typeof value === "string") return secret ? "text" : JSON.stringify(shown(value));
  if (typeof value === "number" || typeof value === "boolean")
    return secret ? `a ${typeof value}` : `${value}`;
  return `a ${typeof value}`;
}

function shown(text: string): string {
  return excerpt(storable(text));
}

function expectedIn(table: ReadTable, column: string): string {
  return columnOf(table, column)?.expected ?? "a value that this router can use";
}

function columnOf(table: ReadTable, column: string): Column<unknown> | undefined {
  const columns: Readonly<Record<string, Column<unknown>>> = REFERENCE_COLUMNS[table];
  return Object.hasOwn(columns, column) ? columns[column] : undefined;
}
