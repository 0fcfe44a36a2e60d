import type { DocumentFault } from "./document.ts";

/** A value of a document before it is checked, with its place; the same for YAML and for JSON that was parsed already. */
export type SourceNode = Place & SourceContent;

export interface Place {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

export type SourceContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number; readonly written: string }
  | { readonly kind: "boolean"; readonly boolean: boolean; readonly written: string }
  | { readonly kind: "null"; readonly written: string }
  /** Without quotes, and not the same to all readers of YAML. */
  | { readonly kind: "unclear"; readonly written: string; readonly meaning: string }
  | { readonly kind: "list"; readonly items: readonly SourceNode[] }
  | { readonly kind: "map"; readonly entries: readonly SourceEntry[] }
  /** It has a fault, which is reported. */
  | { readonly kind: "refused" };

export interface SourceEntry {
  readonly key: string;
  readonly at: Place;
  readonly value: SourceNode;
}

export function faultAt({ path, line, column }: Place, message: string): DocumentFault {
  return line === undefined || column === undefined ? { path, message } : { path, line, column, message };
}

/** The path of a value in a map. */
export function keyPath(path: string, key: string): string {
  if (!/^[\p{L}_$][\p{L}\p{N}_-]*$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

export function itemPath(path: string, at: number): string {
  return `${path}[${at}]`;
}
