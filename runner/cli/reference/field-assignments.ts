import { closest } from "fastest-levenshtein";
import {
  fieldsOf,
  type DocumentField,
  type DocumentKind,
} from "../../../shared/reference-document/document-fields.ts";
import { printable } from "../../../shared/text.ts";
import { CliError } from "../connection.ts";

/**
 * The fields of a row that were typed as `field=value`: `tickers+=ETHUSDT` and `tickers-=ETHUSDT` change a list, `params.url=…`
 * changes one param, `template.symbol=…` one field of a template, and `field=` without a value sets the default. @throws CliError for what is no assignment
 */
export function assignedFields(
  kind: DocumentKind,
  row: object,
  typed: readonly string[],
): Readonly<Record<string, unknown>> {
  const after = typed.reduce<Fields>((before, text) => assign(kind, before, text), { ...row });
  const names = typed.map((text) => FORM.exec(text)?.groups?.["field"] ?? "");
  return Object.fromEntries(names.map((name) => [name, after[name]]));
}

type Fields = Readonly<Record<string, unknown>>;

const FORM = /^(?<field>[a-z_]+)(?:\.(?<param>[^=]*[^=+-]))?(?<sign>[+-]?)=(?<value>[^]*)$/;

function assign(kind: DocumentKind, row: Fields, text: string): Fields {
  const { field: name = "", param, sign = "", value = "" } = FORM.exec(text)?.groups ?? {};
  const fields = fieldsOf(kind);
  const field = fields.get(name);
  const known = [...fields.keys()].filter((one) => one !== "was");
  if (name === "")
    throw new CliError(`found ${printable(text)}; expected field=value, such as enabled=false`);
  if (field === undefined || name === "was")
    throw new CliError(
      `there is no field ${printable(name)}: did you mean ${closest(name, known)}? There are ${known.join(", ")}`,
    );
  const before = row[name];
  if (param !== undefined) {
    if (field.kind !== "params" && field.kind !== "template")
      throw new CliError(`${name} has no parts: expected ${name}=value`);
    if (sign !== "")
      throw new CliError(
        `${sign}= changes lists like tickers, no param: expected the whole value, ${name}.${printable(param)}=value`,
      );
    const read = field.kind === "params" ? jsonOr(value) : ruleOr(value);
    return { ...row, [name]: withMember(before, param, value === "" ? undefined : read) };
  }
  const isList = field.kind === "names" || field.kind === "tickers" || field.kind === "exchanges";
  if (sign !== "" && !isList) throw new CliError(`${name} is no list: expected ${name}=value`);
  return { ...row, [name]: isList ? listOf(before, { field, name, sign, value }) : valueOf(field, value) };
}

/** What cannot be read stays text, which the check of the document refuses with what is expected. */
function valueOf(field: DocumentField, text: string): unknown {
  if (text === "" && field.absent !== undefined) return field.absent;
  if (field.kind === "flag") return text === "true" ? true : text === "false" ? false : text;
  if (field.kind === "age") return /^\d{1,16}$/.test(text) ? Number(text) : text;
  return field.kind === "params" || field.kind === "template" ? jsonOr(text) : text;
}

interface ListChange {
  readonly field: DocumentField;
  readonly name: string;
  readonly sign: string;
  readonly value: string;
}

/** Names with commas are written as a JSON list. */
function listOf(before: unknown, { field, name, sign, value }: ListChange): unknown {
  if (sign === "" && value === "") return field.absent;
  if (sign === "" && value === (field.kind === "exchanges" ? "*" : "all") && name !== "signals") return value;
  const json = value.startsWith("[") ? jsonOr(value) : undefined;
  const names = (Array.isArray(json) ? json : value.split(",").map((one) => one.trim())).filter(
    (one) => one !== "",
  ) as readonly unknown[];
  if (sign === "") return names;
  const listed = before ?? (field.kind === "exchanges" ? [] : before);
  if (!Array.isArray(listed))
    throw new CliError(`${name} is ${String(before)}, which is no list: expected ${name}=A,B`);
  const list = listed as readonly unknown[];
  const missing = names.filter((one) => !list.includes(one));
  if (sign === "+") return [...list, ...missing];
  if (missing.length > 0)
    throw new CliError(`${printable(missing.join(", "))} is not in ${name}, so it cannot be taken out`);
  return list.filter((one) => !names.includes(one));
}

/** Undefined takes the member out. */
function withMember(before: unknown, name: string, value: unknown): unknown {
  const others = Object.entries(Object(before) as object).filter(([key]) => key !== name);
  return Object.fromEntries(value === undefined ? others : [...others, [name, value]]);
}

/** What becomes of a field of a template: an object is taken as JSON, anything else is text. */
function ruleOr(text: string): unknown {
  const value = jsonOr(text);
  return typeof value === "object" && value !== null ? value : text;
}

/** A value that is JSON is taken as JSON, any other as text. */
function jsonOr(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // Digits that JavaScript would change stay as they were typed.
    return typeof value === "number" && String(value) !== text ? text : value;
  } catch {
    return text;
  }
}
