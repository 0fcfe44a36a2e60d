import type { ReferenceDocument } from "./document.ts";

/** Stands in for the writer of documents until it is merged: JSON, which is YAML too. */
export function formatDocument(document: ReferenceDocument, format: "yaml" | "json"): string {
  return JSON.stringify(document, null, format === "json" ? 2 : 1);
}
