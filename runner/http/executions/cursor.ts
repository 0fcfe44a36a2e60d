import { createHash } from "node:crypto";
import * as z from "zod";
import { isEntryId } from "../../../shared/entry.ts";
import type { ExecutionKey, ExecutionSearch } from "../../../shared/io/log/executions-statement.ts";
import { parseTime } from "../../../shared/signal/time.ts";
import { storable } from "../../../shared/text.ts";

/** Writes and reads `next_cursor`: the position where a list of executions goes on, valid for the same search only. */

const contentSchema = z.tuple([
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    .refine((time) => parseTime(time) !== undefined),
  z.string().refine(isEntryId),
  z.string().refine((text) => storable(text) === text),
  z.int().min(0).max(2_147_483_647),
  z.string(),
]);

export function executionCursor(key: ExecutionKey, search: ExecutionSearch): string {
  const position = [key.at, key.entryId, key.invocation, key.strategyId];
  return Buffer.from(JSON.stringify([...position, checksumOf(position, search)])).toString("base64url");
}

/** The position of a cursor; undefined when the cursor was changed, or made for another search. */
export function parseExecutionCursor(cursor: string, search: ExecutionSearch): ExecutionKey | undefined {
  const parsed = contentSchema.safeParse(jsonIn(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success) return undefined;
  const [at, entryId, invocation, strategyId] = parsed.data;
  const key = { at, entryId, invocation, strategyId };
  return executionCursor(key, search) === cursor ? key : undefined;
}

/** As that of a search for signals: it needs no secret, and `from` may move. */
function checksumOf(position: readonly unknown[], search: ExecutionSearch): string {
  const { status, reason, strategy, symbol, to } = search;
  const content = [position, status, reason, strategy, symbol, to];
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 16);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
