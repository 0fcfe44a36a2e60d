import * as z from "zod";
import { isEntryId } from "../../../shared/entry.ts";
import type { ExecutionKey, ExecutionSearch } from "../../../shared/io/log/executions-statement.ts";
import { storable } from "../../../shared/text.ts";
import { cursorContent, cursorOf, positionTime } from "../searching.ts";

/** Writes and reads `next_cursor`: the position where a list of executions goes on, valid for the same search only. */

const contentSchema = z.tuple([
  positionTime,
  z.string().refine(isEntryId),
  z.string().refine((text) => storable(text) === text),
  z.int().min(0).max(2_147_483_647),
  z.string(),
]);

export function executionCursor(key: ExecutionKey, search: ExecutionSearch): string {
  // As for signals, `from` may move.
  const { status, reason, strategy, symbol, to } = search;
  const position = [key.at, key.entryId, key.invocation, key.strategyId];
  return cursorOf(position, [status, reason, strategy, symbol, to]);
}

/** The position of a cursor; undefined when the cursor was changed, or made for another search. */
export function parseExecutionCursor(cursor: string, search: ExecutionSearch): ExecutionKey | undefined {
  const parsed = contentSchema.safeParse(cursorContent(cursor));
  if (!parsed.success) return undefined;
  const [at, entryId, invocation, strategyId] = parsed.data;
  const key = { at, entryId, invocation, strategyId };
  return executionCursor(key, search) === cursor ? key : undefined;
}
