import type { DocumentKind } from "./document-fields.ts";

/** What an edit may remove, and which ids rows have. */
export interface WantedOptions {
  /** The kinds of which rows that the document lacks are removed. */
  readonly prunes: ReadonlySet<DocumentKind>;
  /** The tickers where they are another system's: then the document has only aliases and sources. */
  readonly foreignSymbols?: readonly string[];
  /** Rows that are removed in any case, by name or symbol. */
  readonly removes?: readonly { readonly kind: DocumentKind; readonly name: string }[];
  /** Ids that rows have by their names, as in a state of before; then names say nothing about which row is meant. */
  readonly ids?: RowIds;
  readonly newIds: NewIds;
}

export interface RowIds {
  readonly signals: ReadonlyMap<string, number>;
  readonly strategies: ReadonlyMap<string, number>;
}

/** Where new rows have their ids from. */
export interface NewIds {
  /** The first that no row has had. */
  readonly next: { readonly signals: number; readonly strategies: number };
  /** Ids of rows that are no longer there, by name. */
  readonly former: RowIds;
}
