import type { DocumentKind } from "./document-fields.ts";
import type { WantedOptions } from "./wanted-options.ts";

/** The rows that no entry of a document stands for and that are not removed. */
export function keptRows<Row>(
  rows: readonly Row[],
  found: readonly (Row | undefined)[],
  { kind, hasName, options: { prunes, removes = [] } }: Keeping<Row>,
): readonly Row[] {
  if (prunes.has(kind)) return [];
  const matched = new Set(found);
  const isRemoved = (row: Row): boolean =>
    removes.some((each) => each.kind === kind && hasName(row, each.name));
  return rows.filter((row) => !matched.has(row) && !isRemoved(row));
}

interface Keeping<Row> {
  readonly kind: DocumentKind;
  readonly hasName: (row: Row, name: string) => boolean;
  readonly options: WantedOptions;
}
