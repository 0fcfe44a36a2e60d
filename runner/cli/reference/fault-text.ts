import type { DocumentFault } from "../../../shared/reference-document/document.ts";
import { printable } from "../../../shared/text.ts";

/** Faults of a document, one line each, as editors and terminals link them: `file:line:column: path: message`. */
export function faultsText(faults: readonly DocumentFault[], file: string | undefined): string {
  const lines = faults.slice(0, SHOWN_MAX).map((fault) => printable(faultLine(fault, file)));
  const more = faults.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

const SHOWN_MAX = 50;

function faultLine({ path, line, column, message }: DocumentFault, file: string | undefined): string {
  const place = line === undefined || file === undefined ? [] : [`${file}:${line}:${column ?? 1}`];
  return [...place, ...(path === "" ? [] : [path]), message].join(": ");
}
