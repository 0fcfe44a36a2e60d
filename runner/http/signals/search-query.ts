import { z } from "@hono/zod-openapi";
import { EXIT_UID_LENGTH_MORE } from "../../../shared/decide/exit-uid.ts";
import { SEARCH_REASONS, SEARCH_STATUSES, type SearchPage } from "../../../shared/io/log/search-statement.ts";
import { normaliseSymbol, spellingOf } from "../../../shared/signal/signal.ts";
import { storable } from "../../../shared/text.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import { strategySchema } from "../named-strategy.ts";
import { isSpan, SPAN_FAULT, timeSchema } from "../searching.ts";
import { parseSearchCursor, type AskedSearch } from "./search-cursor.ts";

/** The query parameters of `GET /signals`. */

/** Longer symbols are cut here in the record. */
const SYMBOL_BYTES_MAX = 1_024;

/** A uid as the record has it, which replaces some characters; that of an exit is longer than the one it brought. */
const UID_LENGTH_MAX = 256 + EXIT_UID_LENGTH_MORE;
export const uidSchema = textUpTo(UID_LENGTH_MAX, {
  what: "a uid",
  example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6",
})
  .transform(storable)
  .openapi({
    type: "string",
    minLength: 1,
    maxLength: UID_LENGTH_MAX,
    example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6",
  });

/** Handlers have reasons of their own, such as `refused`. */
const OWN_REASON = /^[\w.-]{1,100}$/;
const KNOWN_REASONS = new Set<string>(SEARCH_REASONS);
const REASON_TEXT = `expected one of ${SEARCH_REASONS.map((reason) => `\`${reason}\``).join(", ")}; with \`strategy\`, also a reason of its handler's own`;
const reason = z.string(REASON_TEXT).regex(OWN_REASON, REASON_TEXT);

const SYMBOL_TEXT = `expected a ticker symbol of at most ${SYMBOL_BYTES_MAX} characters, such as BTCUSDT`;
/** A symbol as it is typed; {@link symbolInRecords} says what it means. */
export const symbolSchema = z
  .string(SYMBOL_TEXT)
  .max(SYMBOL_BYTES_MAX, SYMBOL_TEXT)
  .transform((text) => spellingOf(storable(text)))
  .refine((text) => normaliseSymbol(text) !== "", SYMBOL_TEXT)
  .openapi({ type: "string", example: "BTCUSDT" });

const INVOCATION_TEXT = "expected `live` or the id of a manual run, 1 to 200 characters, such as live";
const CURSOR_TEXT =
  "expected the next_cursor of a page of this same search, such as WyIyMDI2LTAxLTA1…, or none for the first page";

/** Strict, because a misspelt filter would find everything. */
export const searchQuerySchema = membersOf(
  {
    uid: uidSchema.optional().describe("also finds the exits that brought it"),
    symbol: symbolSchema
      .optional()
      .openapi({ description: "of a ticker, or another spelling of it, such as an alias" }),
    status: oneOf(SEARCH_STATUSES)
      .optional()
      .describe(
        "status of the signal, or of any strategy's outcome as it is now if only outcomes have it; with `strategy`, that strategy's: what was decided for it, or what its task came to (`duplicate` and `rejected` are the signal's)",
      ),
    reason: reason.optional().openapi({
      description:
        "reason of the same decision or outcome as `status`; with `strategy`, that strategy's, also one of its handler's own (a reason that only signals have is the signal's)",
      example: "stale",
    }),
    strategy: strategySchema
      .optional()
      .describe("id or name of a strategy that has an outcome; each row then has it as `outcome`"),
    invocation: z
      .string(INVOCATION_TEXT)
      .min(1, INVOCATION_TEXT)
      .max(200, INVOCATION_TEXT)
      .transform(storable)
      .optional()
      .openapi({ type: "string", description: "`live`, or the id of a manual run" }),
    from: timeSchema.optional().openapi({ description: "decided at this time or later" }),
    to: timeSchema.optional().openapi({ description: "decided before this time" }),
    limit: integerIn({ what: "a number of signals", min: 1, max: 200, example: 50 }).default(50),
    cursor: z
      .string(CURSOR_TEXT)
      .max(2_000, CURSOR_TEXT)
      .optional()
      .describe("`next_cursor` of the previous page of the same search"),
  },
  "?symbol=BTCUSDT&limit=50",
).transform(({ limit, cursor, ...search }, context): { search: AskedSearch; page: SearchPage } => {
  if (!isSpan(search)) context.addIssue({ code: "custom", ...SPAN_FAULT });
  if (search.reason !== undefined && search.strategy === undefined && !KNOWN_REASONS.has(search.reason))
    context.addIssue({ code: "custom", path: ["reason"], message: REASON_TEXT });
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
