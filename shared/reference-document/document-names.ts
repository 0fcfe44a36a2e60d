import { closest } from "fastest-levenshtein";
import { excerpt, printable } from "../text.ts";
import { DOCUMENT_KINDS, NAME_FIELD, type DocumentKind } from "./document-fields.ts";
import type { DocumentFault, DocumentSource } from "./document.ts";
import type { ReadRow, ReadRows } from "./read-document.ts";
import { faultsOfSource, nodeAt, secretVariable } from "./source-checks.ts";
import { faultAt, itemPath, type Place } from "./source-node.ts";
import { aliasOf, shortOf, spellingOf } from "./ticker-symbols.ts";

/** Names that are there twice, that strategies list although there is no such signal, and renames that contradict. */
export function checkNames(rows: ReadRows, faults: DocumentFault[]): void {
  for (const kind of DOCUMENT_KINDS) checkKind(kind, rows[kind] ?? [], faults);
  const signals = new Set(
    rows.signals.flatMap((read) => places(read, "name", [read.row.name])).map(({ name }) => name),
  );
  for (const read of rows.strategies) {
    const { signals: listed, tickers } = read.row;
    const names = places(read, "signals", listed);
    refuseTwice(names, { what: "in this list", normal: normalName, faults });
    for (const { name, at } of names)
      if (!signals.has(name)) faults.push(faultAt(at, noSuchSignal(name, [...signals])));
    const symbols = places(read, "tickers", tickers === "all" ? [] : tickers);
    refuseTwice(symbols, { what: "in this list", normal: spellingOf, faults });
    refuseBlankSymbols(symbols, faults);
  }
  for (const read of rows.aliases ?? [])
    refuseBlankSymbols(places(read, "symbol", [read.row.symbol]), faults);
  for (const read of rows.sources ?? []) checkSource(read, faults);
}

interface Named {
  readonly name: string;
  readonly at: Place;
}

/** Two names of which one is easily taken for the other are one name. */
function normalName(name: string): string {
  return name.trim().normalize("NFC");
}

/** Names of which two may not be the same then. */
const NORMAL: Readonly<Record<DocumentKind, (name: string) => string>> = {
  tickers: spellingOf,
  signals: normalName,
  strategies: normalName,
  aliases: aliasOf,
  sources: secretVariable,
};

function checkKind(
  kind: DocumentKind,
  rows: readonly ReadRow<object & { readonly was?: string }>[],
  faults: DocumentFault[],
): void {
  const field = NAME_FIELD[kind];
  const normal = NORMAL[kind];
  const named = rows.flatMap((read) => places(read, field, [Reflect.get(read.row, field)]));
  refuseTwice(named, { what: `in ${kind}`, normal, faults });
  if (kind === "tickers" || kind === "aliases") refuseBlankSymbols(named, faults);
  const renamed = rows.flatMap((read) => places(read, "was", [read.row.was]));
  refuseTwice(renamed, { what: "as an old name", normal, faults });
  // Its row would become the renamed one, and the row in the document another, new one.
  const kept = new Set(
    rows.filter(({ row }) => row.was === undefined).map(({ row }) => String(Reflect.get(row, field))),
  );
  for (const { name, at } of renamed)
    if (kept.has(name))
      faults.push(
        faultAt(
          at,
          `${shown(name)} is to be renamed, and is also in ${kind}: delete one of the two, or give the other one its own \`was\``,
        ),
      );
}

/** What is wrong in a source that was read whole. */
function checkSource({ row, at, nodes }: ReadRow<DocumentSource>, faults: DocumentFault[]): void {
  const isWhole = [row.name, row.format, row.template].every((value: unknown) => value !== undefined);
  if (!isWhole || faults.some(({ path }) => path.startsWith(`${at.path}.`))) return;
  for (const { path, message } of faultsOfSource(row)) {
    faults.push(faultAt({ ...(nodeAt(nodes, path) ?? at), path: `${at.path}.${path}` }, message));
  }
}

/** The texts of a field with their places. */
function places(
  { nodes }: ReadRow<unknown>,
  field: string,
  values: readonly unknown[] | undefined,
): readonly Named[] {
  const node = nodes.get(field);
  if (node === undefined) return [];
  return (values ?? []).flatMap((name, at) => {
    if (typeof name !== "string") return [];
    const item = node.kind === "list" ? (node.items[at] ?? { path: itemPath(node.path, at) }) : node;
    return [{ name, at: item }];
  });
}

interface Twice {
  readonly what: string;
  readonly normal: (name: string) => string;
  readonly faults: DocumentFault[];
}

function refuseTwice(named: readonly Named[], { what, normal, faults }: Twice): void {
  const first = new Map<string, Named>();
  for (const each of named) {
    const other = first.get(normal(each.name));
    if (other === undefined) first.set(normal(each.name), each);
    else {
      const isSame = other.name === each.name;
      const same = isSame ? "is" : `and ${shown(other.name)} are the same, which is`;
      const where = other.at.line === undefined ? other.at.path : `line ${other.at.line}`;
      faults.push(
        faultAt(each.at, `${shown(each.name)} ${same} ${what} already (${where}): keep one of them`),
      );
    }
  }
}

function refuseBlankSymbols(named: readonly Named[], faults: DocumentFault[]): void {
  for (const { name, at } of named)
    if (shortOf(name) === "")
      faults.push(faultAt(at, `found ${shown(name)}; expected a symbol before the .P, such as BTCUSDT.P`));
}

/** Comparing long names with many others takes long. */
const COMPARED_MAX = 1_000;

function noSuchSignal(name: string, signals: readonly string[]): string {
  const near =
    signals.length === 0 || signals.length > COMPARED_MAX
      ? undefined
      : closest(excerpt(name), signals.map(excerpt));
  const hint = near === undefined ? "" : `did you mean ${shown(near)}? Else `;
  return `there is no signal ${shown(name)} in this document: ${hint}add it under signals`;
}

function shown(name: string): string {
  return JSON.stringify(printable(excerpt(name)));
}
