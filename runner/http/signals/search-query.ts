import { z } from "@hono/zod-openapi";
import {
  SEARCH_REASONS,
  SEARCH_STATUSES,
  type SearchPage,
  type SignalSearch,
} from "../../../shared/io/log/search-statement.ts";
import { normaliseSymbol } from "../../../shared/signal/signal.ts";
import { parseTime, TIME_FORMS } from "../../../shared/signal/time.ts";
import { cutText, storable } from "../../../shared/text.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import { parseSearchCursor } from "./search-cursor.ts";

/** The query parameters of `GET /signals`. */

const INTEGER_MAX = 2_147_483_647;
/** Longer symbols are cut here in the record. */
const SYMBOL_BYTES_MAX = 1_024;

/** A uid as the record has it, which replaces some characters. */
export const uidSchema = textUpTo(256, { what: "a uid", example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6" })
  .transform(storable)
  .openapi({ type: "string", minLength: 1, maxLength: 256, example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6" });

const TIME_TEXT = `expected ${TIME_FORMS}`;
const time = z
  .string(TIME_TEXT)
  .max(40, TIME_TEXT)
  .transform((text, context) => {
    const ms = parseTime(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: TIME_TEXT });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "2026-01-05T10:00:00Z" });

const SYMBOL_TEXT = `expected a ticker symbol of at most ${SYMBOL_BYTES_MAX} characters, such as BTCUSDT`;
const symbol = z
  .string(SYMBOL_TEXT)
  .max(SYMBOL_BYTES_MAX, SYMBOL_TEXT)
  .transform((text) => cutText(normaliseSymbol(storable(text)), SYMBOL_BYTES_MAX))
  .refine((normal) => normal !== "", SYMBOL_TEXT)
  .openapi({ type: "string", example: "BTCUSDT" });

const INVOCATION_TEXT = "expected `live` or the id of a manual run, 1 to 200 characters, such as live";
const CURSOR_TEXT =
  "expected the next_cursor of a page of this same search, such as WyIyMDI2LTAxLTA1…, or none for the first page";

/** Strict, because a misspelt filter would find everything. */
export const searchQuerySchema = membersOf(
  {
    uid: uidSchema.optional(),
    symbol: symbol
      .optional()
      .openapi({ description: "normalised like the symbols of signals: upper case, without .P" }),
    status: oneOf(SEARCH_STATUSES)
      .optional()
      .describe(
        "status of the signal, or of any strategy's outcome if only outcomes have it; with `strategy`, of the signal or of that strategy's outcome",
      ),
    reason: oneOf(SEARCH_REASONS).optional().describe("reason of the same decision or outcome as `status`"),
    strategy: integerIn({ what: "the id of a strategy", min: 1, max: INTEGER_MAX, example: 4 })
      .optional()
      .describe("id of a strategy that has an outcome"),
    invocation: z
      .string(INVOCATION_TEXT)
      .min(1, INVOCATION_TEXT)
      .max(200, INVOCATION_TEXT)
      .transform(storable)
      .optional()
      .openapi({ type: "string", description: "`live`, or the id of a manual run" }),
    from: time.optional().openapi({ description: "decided at this time or later" }),
    to: time.optional().openapi({ description: "decided before this time" }),
    limit: integerIn({ what: "a number of signals", min: 1, max: 200, example: 50 }).default(50),
    cursor: z
      .string(CURSOR_TEXT)
      .max(2_000, CURSOR_TEXT)
      .optional()
      .describe("`next_cursor` of the previous page of the same search"),
  },
  "?symbol=BTCUSDT&limit=50",
).transform(({ limit, cursor, ...search }, context): { search: SignalSearch; page: SearchPage } => {
  if (search.from !== undefined && search.to !== undefined && search.from >= search.to) {
    context.addIssue({
      code: "custom",
      path: ["to"],
      message: "expected a time after `from`, such as one day later",
    });
  }
  if (cursor === undefined) return { search, page: { countMax: limit } };
  const after = parseSearchCursor(cursor, search);
  if (after !== undefined) return { search, page: { countMax: limit, after } };
  context.addIssue({
    code: "custom",
    path: ["cursor"],
    message: CURSOR_TEXT,
  });
  return z.NEVER;
});
