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
import { parseSearchCursor } from "./search-cursor.ts";

/** The query parameters of `GET /signals`. */

const INTEGER_MAX = 2_147_483_647;
/** Longer symbols are cut here in the record. */
const SYMBOL_BYTES_MAX = 1_024;

/** A uid as the record has it, which replaces some characters. */
export const uidSchema = z
  .string()
  .trim()
  .min(1)
  .max(256)
  .transform(storable)
  .openapi({ type: "string", minLength: 1, maxLength: 256, example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6" });

const time = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = parseTime(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: `expected ${TIME_FORMS}` });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "2026-01-05T10:00:00Z" });

const symbol = z
  .string()
  .max(SYMBOL_BYTES_MAX)
  .transform((text) => cutText(normaliseSymbol(storable(text)), SYMBOL_BYTES_MAX))
  .refine((normal) => normal !== "", "expected a ticker symbol")
  .openapi({ type: "string", example: "BTCUSDT" });

/** Strict, because a misspelt filter would find everything. */
export const searchQuerySchema = z
  .strictObject({
    uid: uidSchema.optional(),
    symbol: symbol
      .optional()
      .openapi({ description: "normalised like the symbols of signals: upper case, without .P" }),
    status: z
      .enum(SEARCH_STATUSES)
      .optional()
      .describe(
        "status of the signal, or of any strategy's outcome if only outcomes have it; with `strategy`, of the signal or of that strategy's outcome",
      ),
    reason: z.enum(SEARCH_REASONS).optional().describe("reason of the same decision or outcome as `status`"),
    strategy: z.coerce
      .number()
      .int()
      .min(1)
      .max(INTEGER_MAX)
      .optional()
      .describe("id of a strategy that has an outcome"),
    invocation: z
      .string()
      .min(1)
      .max(200)
      .transform(storable)
      .optional()
      .openapi({ type: "string", description: "`live`, or the id of a manual run" }),
    from: time.optional().openapi({ description: "decided at this time or later" }),
    to: time.optional().openapi({ description: "decided before this time" }),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z
      .string()
      .max(2_000)
      .optional()
      .describe("`next_cursor` of the previous page of the same search"),
  })
  .transform(({ limit, cursor, ...search }, context): { search: SignalSearch; page: SearchPage } => {
    if (search.from !== undefined && search.to !== undefined && search.from >= search.to) {
      context.addIssue({ code: "custom", path: ["to"], message: "expected a time after `from`" });
    }
    if (cursor === undefined) return { search, page: { countMax: limit } };
    const after = parseSearchCursor(cursor, search);
    if (after !== undefined) return { search, page: { countMax: limit, after } };
    context.addIssue({
      code: "custom",
      path: ["cursor"],
      message: "expected the next_cursor of a page of this same search",
    });
    return z.NEVER;
  });
