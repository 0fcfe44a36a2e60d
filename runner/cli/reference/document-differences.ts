import {
  DOCUMENT_KINDS,
  fieldsOf,
  NAME_FIELD,
  type DocumentKind,
} from "../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { canonicalJson } from "../../../shared/reference/reference-text.ts";
import { shownValue } from "./shown-document.ts";

/** What differs between two documents, one line for each row: `+` is only in the second, `-` only in the first. Addresses show their host. */
export function documentDifferences(before: ReferenceDocument, after: ReferenceDocument): readonly string[] {
  return DOCUMENT_KINDS.flatMap((kind) => {
    const [was, is] = [rowsByName(kind, before), rowsByName(kind, after)];
    const added = [...is.keys()].filter((name) => !was.has(name)).map((name) => `+ ${ONE[kind]} ${name}`);
    const removed = [...was.keys()].filter((name) => !is.has(name)).map((name) => `- ${ONE[kind]} ${name}`);
    const changed = [...was].flatMap(([name, row]) => {
      const other = is.get(name);
      const differences = other === undefined ? [] : fieldDifferences(kind, row, other);
      return differences.length === 0 ? [] : [`~ ${ONE[kind]} ${name}: ${differences.join("; ")}`];
    });
    return [...added, ...removed, ...changed];
  });
}

const ONE = { tickers: "ticker", signals: "signal", strategies: "strategy" } as const;

function rowsByName(kind: DocumentKind, document: ReferenceDocument): ReadonlyMap<string, object> {
  const rows: readonly object[] = document[kind];
  return new Map(rows.map((row) => [String(Reflect.get(row, NAME_FIELD[kind])), row]));
}

function fieldDifferences(kind: DocumentKind, before: object, after: object): readonly string[] {
  return [...fieldsOf(kind).keys()].flatMap((field) => {
    const [was, is]: unknown[] = [Reflect.get(before, field), Reflect.get(after, field)];
    if (field === "was" || canonicalJson(was) === canonicalJson(is)) return [];
    const [wasText, isText] = [valueText(shownValue(was)), valueText(shownValue(is))];
    // The path of an address is not shown.
    return [wasText === isText ? `another ${field}: ${isText}` : `${field} ${isText} instead of ${wasText}`];
  });
}

/** A value on one line. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ");
  if (value === null) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
