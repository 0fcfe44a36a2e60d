import * as z from "zod";
import { isEntryId } from "../../../shared/entry.ts";
import type { SearchKey, SignalSearch } from "../../../shared/io/log/search-statement.ts";
import { storable } from "../../../shared/text.ts";
import { cursorContent, cursorOf, positionTime } from "../searching.ts";

/** Writes and reads `next_cursor`: the position where a search goes on, valid for the same search only. */

/** A search as it was asked for: the strategy by its id, or by its name. */
export type AskedSearch = Omit<SignalSearch, "strategy"> & {
  readonly strategy?: number | string | undefined;
};

const contentSchema = z.tuple([
  positionTime,
  z.string().refine(isEntryId),
  z.string().refine((text) => storable(text) === text),
  z.string(),
]);

export function searchCursor(key: SearchKey, search: AskedSearch): string {
  // Without `from`, which only says where the last page ends: commands count it back from the moment they are typed.
  const { uid, symbol, status, reason, strategy, invocation, to } = search;
  const position = [key.decidedAt, key.entryId, key.invocation];
  return cursorOf(position, [uid, symbol, status, reason, strategy, invocation, to]);
}

/** The position of a cursor; undefined when the cursor was changed, or made for another search. */
export function parseSearchCursor(cursor: string, search: AskedSearch): SearchKey | undefined {
  const parsed = contentSchema.safeParse(cursorContent(cursor));
  if (!parsed.success) return undefined;
  const [decidedAt, entryId, invocation] = parsed.data;
  const key = { decidedAt, entryId, invocation };
  return searchCursor(key, search) === cursor ? key : undefined;
}
