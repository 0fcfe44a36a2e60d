import { closest } from "fastest-levenshtein";
import { excerpt, printable } from "../text.ts";
import { DOCUMENT_KINDS, fieldsOf, KIND_OF_ONE, oneOf, type DocumentKind } from "./document-fields.ts";
import type {
  DocumentAlias,
  DocumentFault,
  DocumentSignal,
  DocumentSource,
  DocumentStrategy,
  DocumentTicker,
  ReferenceDocument,
} from "./document.ts";
import { FIELD_READERS } from "./field-values.ts";
import { faultAt, type Place, type SourceEntry, type SourceNode } from "./source-node.ts";

/** Reads the lists of a document row by row, and collects every fault in them. */
export function readDocument(root: SourceNode, faults: DocumentFault[]): ReadRows {
  const entries = mapIn(root, faults, "the lists tickers, signals, strategies, aliases and sources");
  refuseUnknown(entries, { known: [...DOCUMENT_KINDS, "$schema"], what: "list", faults });
  const rowsOf = <Row>(kind: DocumentKind): readonly ReadRow<Row>[] | undefined => {
    const list = entries.find(({ key }) => key === kind);
    if (list === undefined) return undefined;
    const { value } = list;
    if (value.kind === "list") return value.items.map((item) => readRow<Row>(kind, item, faults));
    if (value.kind !== "refused")
      faults.push(
        faultAt(
          list.at,
          `${kind} ${value.kind === "null" ? "is empty" : "is not a list"}; expected a list of ${kind}. Write [] when there are none`,
        ),
      );
    return [];
  };
  return {
    tickers: rowsOf<DocumentTicker>("tickers") ?? [],
    signals: rowsOf<DocumentSignal>("signals") ?? [],
    strategies: rowsOf<DocumentStrategy>("strategies") ?? [],
    aliases: rowsOf<DocumentAlias>("aliases"),
    sources: rowsOf<DocumentSource>("sources"),
  };
}

export interface ReadRows {
  readonly tickers: readonly ReadRow<DocumentTicker>[];
  readonly signals: readonly ReadRow<DocumentSignal>[];
  readonly strategies: readonly ReadRow<DocumentStrategy>[];
  /** Undefined: the document does not have this list. */
  readonly aliases: readonly ReadRow<DocumentAlias>[] | undefined;
  readonly sources: readonly ReadRow<DocumentSource>[] | undefined;
}

/** A row with the places of its fields. Where a field has a fault, its value is undefined. */
export interface ReadRow<Row> {
  readonly row: Row;
  readonly at: Place;
  readonly nodes: ReadonlyMap<string, SourceNode>;
}

/** The document without the places. */
export function documentFromRead({ aliases, sources, ...lists }: ReadRows): ReferenceDocument {
  return {
    tickers: lists.tickers.map(({ row }) => row),
    signals: lists.signals.map(({ row }) => row),
    strategies: lists.strategies.map(({ row }) => row),
    ...(aliases === undefined ? {} : { aliases: aliases.map(({ row }) => row) }),
    ...(sources === undefined ? {} : { sources: sources.map(({ row }) => row) }),
  };
}

function readRow<Row>(kind: DocumentKind, node: SourceNode, faults: DocumentFault[]): ReadRow<Row> {
  const fields = fieldsOf(kind);
  const entries = mapIn(node, faults, `the fields of ${oneOf(kind)}`);
  refuseUnknown(entries, { known: [...fields.keys()], what: `field of ${oneOf(kind)}`, faults });
  const nodes = new Map(entries.map(({ key, value }) => [key, value]));
  const row: Record<string, unknown> = {};
  for (const [name, field] of fields) {
    const value = nodes.get(name);
    if (value !== undefined) row[name] = FIELD_READERS[field.kind](value, faults);
    else if (field.absent !== undefined) row[name] = field.absent;
    else if (field.kind !== "was" && node.kind === "map")
      faults.push(
        faultAt(
          node,
          `this ${KIND_OF_ONE[kind]} has no ${name}: write one, such as \`${name}: ${exampleText(field.example)}\``,
        ),
      );
  }
  return { row: row as Row, at: node, nodes };
}

function exampleText(example: unknown): string {
  return typeof example === "string" ? example : JSON.stringify(example);
}

function mapIn(node: SourceNode, faults: DocumentFault[], expected: string): readonly SourceEntry[] {
  if (node.kind === "map") return node.entries;
  if (node.kind !== "refused")
    faults.push(
      faultAt(
        node,
        `found ${node.kind === "null" ? "nothing" : `a ${node.kind === "list" ? "list" : "single value"}`}; expected ${expected}`,
      ),
    );
  return [];
}

interface Known {
  readonly known: readonly string[];
  readonly what: string;
  readonly faults: DocumentFault[];
}

function refuseUnknown(entries: readonly SourceEntry[], { known, what, faults }: Known): void {
  for (const { key, at } of entries)
    if (!known.includes(key))
      faults.push(
        faultAt(
          at,
          `${printable(excerpt(key))} is no ${what}: did you mean ${closest(excerpt(key), known)}? There are ${known.filter((name) => name !== "$schema").join(", ")}`,
        ),
      );
}
