import { closest } from "fastest-levenshtein";
import { excerpt, printable } from "../text.ts";
import { KIND_OF_ONE, NAME_FIELD, type DocumentKind } from "./document-fields.ts";
import type { ReferenceDocument } from "./document.ts";
import { aliasOf, spellingOf, symbolsAmong } from "./ticker-symbols.ts";

/**
 * A document with one row added, changed or removed, as JSON that is read as a document afterwards. Names in the lists of
 * strategies, and the symbols of aliases, follow.
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
  if (typeof given === "string" && isTaken(document, kind, given)) return undefined;
  const rows = rowsIn(document, kind);
  return { json: { ...document, [kind]: [...rows, row] }, at: rows.length };
}

/** With these fields of one row changed, its name too; undefined when there is no such row. */
export function withChanges(
  document: ReferenceDocument,
  { kind, name, changes }: { readonly kind: DocumentKind; readonly name: string; readonly changes: Fields },
): EditedDocument | undefined {
  const at = indexOf(document, kind, name);
  const row = rowsIn(document, kind)[at];
  if (row === undefined) return undefined;
  const [was, is] = [nameIn(kind, row), changes[NAME_FIELD[kind]] ?? name];
  const keyOf = keysIn(document, kind);
  const isRenamed = typeof is === "string" && keyOf(is) !== keyOf(was);
  const edited = { ...row, ...changes, ...(isRenamed ? { was } : {}) };
  const lists: Partial<ReferenceDocument> = isRenamed
    ? withListed(document, kind, (each) => (keyOf(each) === keyOf(was) ? [is] : [each]))
    : {};
  const rows: unknown[] = [...(lists[kind] ?? rowsIn(document, kind))];
  rows[at] = edited;
  return { json: { ...document, ...lists, [kind]: rows }, at };
}

/** Without one row, without its signal in the lists of strategies, and without aliases of it; undefined when there is no such row. */
export function withoutRow(
  document: ReferenceDocument,
  kind: DocumentKind,
  name: string,
): ReferenceDocument | undefined {
  const at = indexOf(document, kind, name);
  if (at < 0) return undefined;
  const keyOf = keysIn(document, kind);
  const isIt = (each: string): boolean => keyOf(each) === keyOf(name);
  const lists = kind === "signals" ? withListed(document, kind, (each) => (isIt(each) ? [] : [each])) : {};
  const aliases =
    document.aliases !== undefined ? { aliases: document.aliases.filter(({ symbol }) => !isIt(symbol)) } : {};
  if (kind === "tickers")
    return withSymbolsOnce({
      ...document,
      ...aliases,
      tickers: document.tickers.filter((_, index) => index !== at),
    });
  return { ...document, ...lists, [kind]: rowsIn(document, kind).filter((_, index) => index !== at) };
}

/** Without `X`, or without `X.P`, both are one ticker, which a list names once. */
function withSymbolsOnce(document: ReferenceDocument): ReferenceDocument {
  const symbolOf = symbolsAmong(document.tickers.map(({ symbol }) => symbol));
  const strategies = document.strategies.map((strategy) =>
    strategy.tickers === "all"
      ? strategy
      : { ...strategy, tickers: [...new Map(strategy.tickers.map((one) => [symbolOf(one), one])).values()] },
  );
  return { ...document, strategies };
}

/** The row of a name; undefined when there is none. */
export function rowNamed(document: ReferenceDocument, kind: DocumentKind, name: string): object | undefined {
  return rowsIn(document, kind)[indexOf(document, kind, name)];
}

/** That there is no row of this name, and which one may be meant. */
export function noRowText(document: ReferenceDocument, kind: DocumentKind, name: string): string {
  const names = rowsIn(document, kind).map((row) => excerpt(nameIn(kind, row)));
  const near = names.length === 0 ? "" : `: did you mean ${printable(closest(excerpt(name), names))}?`;
  return `there is no ${KIND_OF_ONE[kind]} ${printable(excerpt(name))}${near}`;
}

function nameIn(kind: DocumentKind, row: object): string {
  return String(Reflect.get(row, NAME_FIELD[kind]));
}

function rowsIn(document: ReferenceDocument, kind: DocumentKind): readonly object[] {
  return document[kind] ?? [];
}

/** Names of one key are one row. */
function keysIn({ tickers }: ReferenceDocument, kind: DocumentKind): (name: string) => string {
  if (kind === "tickers") return symbolsAmong(tickers.map(({ symbol }) => symbol));
  return kind === "aliases" ? aliasOf : (name) => name;
}

function indexOf(document: ReferenceDocument, kind: DocumentKind, name: string): number {
  const keyOf = keysIn(document, kind);
  return rowsIn(document, kind).findIndex((row) => keyOf(nameIn(kind, row)) === keyOf(name));
}

/** A ticker `X.P` may be added beside `X`. */
function isTaken(document: ReferenceDocument, kind: DocumentKind, name: string): boolean {
  if (kind !== "tickers") return indexOf(document, kind, name) >= 0;
  return document.tickers.some(({ symbol }) => spellingOf(symbol) === spellingOf(name));
}

/** The strategies, and the aliases, with other names of this kind. */
function withListed(
  { strategies, aliases }: ReferenceDocument,
  kind: DocumentKind,
  namesFor: (name: string) => readonly string[],
): Partial<ReferenceDocument> {
  if (kind !== "signals" && kind !== "tickers") return {};
  return {
    strategies: strategies.map((strategy) => {
      const list = strategy[kind];
      return list === "all" ? strategy : { ...strategy, [kind]: list.flatMap(namesFor) };
    }),
    ...(kind === "signals" || aliases === undefined
      ? {}
      : {
          aliases: aliases.map((row) => {
            const [symbol = row.symbol] = namesFor(row.symbol);
            return { ...row, symbol };
          }),
        }),
  };
}
