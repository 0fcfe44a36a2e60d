import { compareEntryIds } from "../../entry-range.ts";

/** The items in pages of at most so many, none of them empty. */
export function pagesOf<Item>(items: readonly Item[], countMax: number): readonly (readonly Item[])[] {
  const pages: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += countMax) pages.push(items.slice(at, at + countMax));
  return pages;
}

/**
 * The entries of several lists in the order of their ids, as far as it is known. Each list has the first entries of a longer one when
 * it has `listCountMax`: what comes after its last may belong before the others' next ones.
 */
export function oldestOf<Item extends { readonly id: string }>(
  lists: readonly (readonly Item[])[],
  listCountMax: number,
): Item[] {
  const ends = lists.flatMap((list) => (list.length < listCountMax ? [] : [list.at(-1)?.id ?? ""]));
  const end = ends.toSorted(compareEntryIds)[0];
  const sorted = lists.flat().toSorted((a, b) => compareEntryIds(a.id, b.id));
  return end === undefined ? sorted : sorted.filter(({ id }) => compareEntryIds(id, end) <= 0);
}
