import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { SearchTooSlowError } from "../../shared/io/log/timed-search.ts";
import { parseTime, TIME_FORMS } from "../../shared/signal/time.ts";
import { Problem } from "./problem.ts";

/** What the searches of all rooms share: times, the position of the next page, and the answer when one takes too long. */

const TIME_TEXT = `expected ${TIME_FORMS}`;

/** A time in any form that signals accept, as milliseconds since 1970. */
export const timeSchema = z
  .string(TIME_TEXT)
  .max(40, TIME_TEXT)
  .transform((text, context) => {
    const ms = parseTime(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: TIME_TEXT });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "2026-01-05T10:00:00Z" });

/** Whether `from` is before `to`, where both are given. */
export function isSpan({ from, to }: { from?: number | undefined; to?: number | undefined }): boolean {
  return from === undefined || to === undefined || from < to;
}

export const SPAN_FAULT = {
  path: ["to"],
  message: "expected a time after `from`, such as one day later",
};

/** A position in a list that is ordered by a time and an id. */
export interface Position {
  /** ISO 8601, UTC, to the microsecond. */
  readonly at: string;
  readonly id: string;
}

export function positionText({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at, id])).toString("base64url");
}

/** What a cursor has to be. */
export const CURSOR_TEXT =
  "expected the next_cursor of a page of this list, such as WyIyMDI2LTAxLTA1…, or none for the first page";
/** The time of a position: ISO 8601, UTC, to the microsecond. */
export const positionTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .refine((time) => parseTime(time) !== undefined);

const contentSchema = z.tuple([positionTime, z.string().max(200)]);

/**
 * A cursor that is valid for one search only: its position, and a checksum of both. It needs no secret: a forged one shows nothing
 * that the search without a cursor does not show.
 */
export function cursorOf(position: readonly (string | number)[], search: readonly unknown[]): string {
  const content = JSON.stringify([position, ...search]);
  const checksum = createHash("sha256").update(content).digest("base64url").slice(0, 16);
  return Buffer.from(JSON.stringify([...position, checksum])).toString("base64url");
}

/** What a cursor has in it, if that is JSON. */
export function cursorContent(cursor: string): unknown {
  return jsonIn(Buffer.from(cursor, "base64url").toString());
}

/** A cursor whose id fits the list. */
export function positionSchema(isId: (id: string) => boolean) {
  return z
    .string(CURSOR_TEXT)
    .max(1_000, CURSOR_TEXT)
    .transform((text, context): Position => {
      const parsed = contentSchema.safeParse(cursorContent(text));
      if (parsed.success && isId(parsed.data[1])) return { at: parsed.data[0], id: parsed.data[1] };
      context.addIssue({ code: "custom", message: CURSOR_TEXT });
      return z.NEVER;
    })
    .openapi({ type: "string", description: "`next_cursor` of the page before" });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reported as an error of the request, because a narrower search helps and a repeated one does not. */
export function tooSlow(hint: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof SearchTooSlowError)) throw error;
    throw new Problem({ status: 422, code: "search_too_wide", detail: error.message, hint });
  };
}
