import { createHash } from "node:crypto";
import * as z from "zod";
import { isEntryId } from "../../../shared/entry.ts";
import type { SearchKey, SignalSearch } from "../../../shared/io/log/search-statement.ts";
import { parseTime } from "../../../shared/signal/time.ts";
import { storable } from "../../../shared/text.ts";

const contentSchema = z.tuple([
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    .refine((time) => parseTime(time) !== undefined),
  z.string().refine(isEntryId),
  z.string().refine((text) => storable(text) === text),
  z.string(),
]);

/** Where a search goes on, in a form to be given back as it is; good for this search only. */
export function searchCursor(key: SearchKey, search: SignalSearch): string {
  const place = [key.decidedAt, key.entryId, key.invocation];
  return Buffer.from(JSON.stringify([...place, sumOf(place, search)])).toString("base64url");
}

/** The place a cursor stands for; undefined when it was changed, or made for another search. */
export function parseSearchCursor(cursor: string, search: SignalSearch): SearchKey | undefined {
  const parsed = contentSchema.safeParse(jsonIn(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success) return undefined;
  const [decidedAt, entryId, invocation] = parsed.data;
  const key = { decidedAt, entryId, invocation };
  return searchCursor(key, search) === cursor ? key : undefined;
}

/** No secret is needed: whoever makes up a cursor reads nothing that a search without one does not show. */
function sumOf(place: readonly string[], search: SignalSearch): string {
  const { uid, symbol, status, reason, strategy, invocation, from, to } = search;
  const said = [place, uid, symbol, status, reason, strategy, invocation, from, to];
  return createHash("sha256").update(JSON.stringify(said)).digest("base64url").slice(0, 16);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
