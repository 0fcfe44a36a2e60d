import { closest } from "fastest-levenshtein";
import { excerpt, printable } from "../text.ts";
import { KIND_OF_ONE, NAME_FIELD, type DocumentKind } from "./document-fields.ts";
import { symbolOf } from "./document-of-rows.ts";
import type { ReferenceDocument } from "./document.ts";

/**
 * A document with one row added, changed or removed, as JSON that is read as a document afterwards. Names in the lists of
 * strategies follow.
 */
export interface EditedDocument {
  readonly json: unknown;
  /** Where the row stands in its list. */
  readonly at: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** With one more row; undefined when there is one of its name. */
export function withRow(
  document: ReferenceDocument,
  kind: DocumentKind,
  row: Fields,
): EditedDocument | undefined {
  const given = row[NAME_FIELD[kind]];
  if (typeof given === "string" && indexOf(document, kind, given) >= 0) return undefined;
  return { json: { ...document, [kind]: [...document[kind], row] }, at: document[kind].length };
}

/** With these fields of one row changed, its name too; undefined when there is no such row. */
export function withChanges(
  document: ReferenceDocument,
  { kind, name, changes }: { readonly kind: DocumentKind; readonly name: string; readonly changes: Fields },
): EditedDocument | undefined {
  const at = indexOf(document, kind, name);
  const row = document[kind][at];
  if (row === undefined) return undefined;
  const [was, is] = [nameIn(kind, row), changes[NAME_FIELD[kind]] ?? name];
  const isRenamed = typeof is === "string" && keyOf(kind, is) !== keyOf(kind, was);
  const edited = { ...row, ...changes, ...(isRenamed ? { was } : {}) };
  const lists: Partial<ReferenceDocument> = isRenamed
    ? withListed(document, kind, (each) => (isSame(kind, each, was) ? [is] : [each]))
    : {};
  const rows: unknown[] = [...(lists[kind] ?? document[kind])];
  rows[at] = edited;
  return { json: { ...document, ...lists, [kind]: rows }, at };
}

/** Without one row, and without its signal in the lists of strategies; undefined when there is no such row. */
export function withoutRow(
  document: ReferenceDocument,
  kind: DocumentKind,
  name: string,
): ReferenceDocument | undefined {
  const at = indexOf(document, kind, name);
  if (at < 0) return undefined;
  const lists = kind === "signals" ? withListed(document, kind, (each) => (each === name ? [] : [each])) : {};
  return { ...document, ...lists, [kind]: document[kind].filter((_, index) => index !== at) };
}

/** The row of a name; undefined when there is none. */
export function rowNamed(document: ReferenceDocument, kind: DocumentKind, name: string): object | undefined {
  return document[kind][indexOf(document, kind, name)];
}

/** That there is no row of this name, and which one may be meant. */
export function noRowText(document: ReferenceDocument, kind: DocumentKind, name: string): string {
  const rows: readonly object[] = document[kind];
  const names = rows.map((row) => excerpt(nameIn(kind, row)));
  const near = names.length === 0 ? "" : `: did you mean ${printable(closest(excerpt(name), names))}?`;
  return `there is no ${KIND_OF_ONE[kind]} ${printable(excerpt(name))}${near}`;
}

function nameIn(kind: DocumentKind, row: object): string {
  return String(Reflect.get(row, NAME_FIELD[kind]));
}

function keyOf(kind: DocumentKind, name: string): string {
  return kind === "tickers" ? symbolOf(name) : name;
}

function isSame(kind: DocumentKind, one: string, other: string): boolean {
  return keyOf(kind, one) === keyOf(kind, other);
}

function indexOf(document: ReferenceDocument, kind: DocumentKind, name: string): number {
  const rows: readonly object[] = document[kind];
  return rows.findIndex((row) => isSame(kind, nameIn(kind, row), name));
}

/** The strategies with other names in the list of this kind. */
function withListed(
  { strategies }: ReferenceDocument,
  kind: DocumentKind,
  namesFor: (name: string) => readonly string[],
): Partial<ReferenceDocument> {
  if (kind === "strategies") return {};
  return {
    strategies: strategies.map((strategy) => {
      const list = strategy[kind];
      return list === "all" ? strategy : { ...strategy, [kind]: list.flatMap(namesFor) };
    }),
  };
}
