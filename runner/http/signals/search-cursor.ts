import { createHash } from "node:crypto";
import * as z from "zod";
import { isEntryId } from "../../../shared/entry.ts";
import type { SearchKey, SignalSearch } from "../../../shared/io/log/search-statement.ts";
import { parseTime } from "../../../shared/signal/time.ts";
import { storable } from "../../../shared/text.ts";

/** Writes and reads `next_cursor`: the position where a search goes on, valid for the same search only. */

/** A search as it was asked for: the strategy by its id, or by its name. */
export type AskedSearch = Omit<SignalSearch, "strategy"> & {
  readonly strategy?: number | string | undefined;
};

const contentSchema = z.tuple([
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    .refine((time) => parseTime(time) !== undefined),
  z.string().refine(isEntryId),
  z.string().refine((text) => storable(text) === text),
  z.string(),
]);

export function searchCursor(key: SearchKey, search: AskedSearch): string {
  const position = [key.decidedAt, key.entryId, key.invocation];
  return Buffer.from(JSON.stringify([...position, checksumOf(position, search)])).toString("base64url");
}

/** The position of a cursor; undefined when the cursor was changed, or made for another search. */
export function parseSearchCursor(cursor: string, search: AskedSearch): SearchKey | undefined {
  const parsed = contentSchema.safeParse(jsonIn(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success) return undefined;
  const [decidedAt, entryId, invocation] = parsed.data;
  const key = { decidedAt, entryId, invocation };
  return searchCursor(key, search) === cursor ? key : undefined;
}

/**
 * It needs no secret: a forged cursor shows nothing that a search without a cursor does not show. Without `from`, which only says
 * where the last page ends: commands count it back from the moment they are typed.
 */
function checksumOf(position: readonly string[], search: AskedSearch): string {
  const { uid, symbol, status, reason, strategy, invocation, to } = search;
  const content = [position, uid, symbol, status, reason, strategy, invocation, to];
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 16);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
