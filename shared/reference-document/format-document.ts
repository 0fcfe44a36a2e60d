import { printableJson } from "../text.ts";
import { DOCUMENT_KINDS, fieldsOf, type DocumentKind } from "./document-fields.ts";
import type { ReferenceDocument } from "./document.ts";
import { yamlLines } from "./yaml-text.ts";

/**
 * The document as a file to edit, in its own order. Fields that have their default are left out, apart from those that one
 * looks for first in a strategy. `schema`: where editors find the JSON Schema.
 */
export function formatDocument(
  document: ReferenceDocument,
  format: "yaml" | "json",
  { schema = SCHEMA_FILE, kinds = DOCUMENT_KINDS }: FormatOptions = {},
): string {
  const lists = DOCUMENT_KINDS.flatMap((kind) => {
    const rows: readonly object[] | undefined = document[kind];
    if (rows === undefined || !kinds.includes(kind)) return [];
    return [[kind, rows.map((row) => shortRow(kind, row))] as const];
  });
  if (format === "json") return `${printableJson({ $schema: schema, ...Object.fromEntries(lists) })}\n`;
  const blocks = lists.map(([kind, rows]) => [
    "",
    rows.length === 0 ? `${kind}: []` : `${kind}:`,
    // A line between rows of many lines.
    ...rows.flatMap((row, at) => [...(at > 0 && !DENSE.has(kind) ? [""] : []), ...yamlLines([row], "  ")]),
  ]);
  return [...HEADER, `# yaml-language-server: $schema=${schema}`, ...blocks.flat(), ""].join("\n");
}

export interface FormatOptions {
  readonly schema?: string;
  /** The lists that are written, if the document has them. */
  readonly kinds?: readonly DocumentKind[];
}

/** Kinds whose rows have few lines. */
const DENSE: ReadonlySet<DocumentKind> = new Set(["tickers", "aliases"]);

/** The document that was written as JSON, with the defaults that were left out. */
export function wholeDocument(written: WrittenDocument): ReferenceDocument {
  const lists = DOCUMENT_KINDS.flatMap((kind) => {
    const rows = written[kind] ?? (OLD_KINDS.has(kind) ? [] : undefined);
    if (rows === undefined) return [];
    const defaults = [...fieldsOf(kind)].flatMap(([name, { absent }]) =>
      absent === undefined ? [] : [[name, absent] as const],
    );
    return [[kind, rows.map((row) => ({ ...Object.fromEntries(defaults), ...row }))] as const];
  });
  // What the router wrote is a document.
  return Object.fromEntries(lists) as unknown as ReferenceDocument;
}

export type WrittenDocument = { readonly [Kind in DocumentKind]?: readonly object[] | undefined };

/** Kinds that every document has, if only as empty lists. */
const OLD_KINDS: ReadonlySet<DocumentKind> = new Set(["tickers", "signals", "strategies"]);

/** The file beside the document that `export` writes the schema to. */
export const SCHEMA_FILE = "./reference.schema.json";

const HEADER = [
  "# What the router trades: tickers, signals and strategies, which name each other; aliases of tickers, and webhook sources.",
  "# Apply it with: npm run cli -- reference apply <file>. Comments are not kept: apply and export lose them.",
  "# A row stands for the whole row: a field that is left out has its default. To rename: `was: <the name before>`.",
  "# Numbers, yes, no, on, off and dates are not text: put names, symbols and phrases like them in quotes.",
];

/** Fields that are written whatever they are. */
const ALWAYS: Readonly<Record<DocumentKind, readonly string[]>> = {
  tickers: [],
  signals: [],
  strategies: ["signals", "tickers", "handler", "enabled"],
  aliases: [],
  sources: ["format"],
};

function shortRow(kind: DocumentKind, row: object): object {
  return Object.fromEntries(
    [...fieldsOf(kind)].flatMap(([name, { absent }]) => {
      const value: unknown = Reflect.get(row, name);
      const isDefault = value === undefined || JSON.stringify(value) === JSON.stringify(absent);
      return isDefault && !ALWAYS[kind].includes(name) ? [] : [[name, value]];
    }),
  );
}
