import { DOCUMENT_BYTES_MAX } from "./document-fields.ts";
import { checkNames } from "./document-names.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";
import { readJson } from "./json-nodes.ts";
import { documentFromRead, readDocument } from "./read-document.ts";
import type { SourceNode } from "./source-node.ts";
import { readYaml } from "./yaml-nodes.ts";

/** Reads a document of YAML, of which JSON is a part. All faults are found at once, each with line and column. */
export function parseDocument(text: string): ParsedDocument {
  const bytes = Buffer.byteLength(text);
  if (bytes > DOCUMENT_BYTES_MAX)
    return refused([
      {
        path: "",
        line: 1,
        column: 1,
        message: `it has ${bytes} bytes; expected at most ${DOCUMENT_BYTES_MAX}. Leave out rows that do not change: without \`prune\` they stay`,
      },
    ]);
  const faults: DocumentFault[] = [];
  const root = readYaml(text, faults);
  return root === undefined ? refused(faults) : checked(root, faults);
}

/** The same for a value that was parsed from JSON already; the faults have paths, and no lines. */
export function documentFromJson(value: unknown): ParsedDocument {
  const faults: DocumentFault[] = [];
  return checked(readJson(value, faults), faults);
}

export type ParsedDocument =
  | { readonly ok: true; readonly document: ReferenceDocument }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

const EMPTY =
  "there is no ticker, signal, strategy, alias or source in this document; expected at least one, so that an empty file by mistake removes nothing";

function checked(root: SourceNode, faults: DocumentFault[]): ParsedDocument {
  const rows = readDocument(root, faults);
  checkNames(rows, faults);
  const document = documentFromRead(rows);
  const { path, line, column } = root;
  const isEmpty = Object.values(document).every((list: readonly unknown[]) => list.length === 0);
  if (isEmpty && faults.length === 0)
    return refused([
      { path, message: EMPTY, ...(line === undefined || column === undefined ? {} : { line, column }) },
    ]);
  return faults.length > 0 ? refused(faults) : { ok: true, document };
}

/** More of them are no help, and answers have a size. */
const FAULTS_MAX = 1_000;

/** In the order of the text, each fault once: an alias repeats what is wrong in its value. */
function refused(found: readonly DocumentFault[]): ParsedDocument {
  const keyOf = ({ path, line, column, message }: DocumentFault): string =>
    JSON.stringify(line === undefined ? [path, message] : [line, column, message]);
  const faults = [...new Map(found.map((fault) => [keyOf(fault), fault])).values()];
  return {
    ok: false,
    faults: faults
      .slice(0, FAULTS_MAX)
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  };
}
