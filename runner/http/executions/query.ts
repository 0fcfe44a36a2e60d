import { z } from "@hono/zod-openapi";
import { EXECUTION_STATUSES } from "../../../shared/reasons.ts";
import { spellingOf } from "../../../shared/signal/signal.ts";
import { storable } from "../../../shared/text.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import { strategySchema } from "../named-strategy.ts";
import { CURSOR_TEXT, isSpan, SPAN_FAULT, timeSchema } from "../searching.ts";

/** The query parameters of `GET /executions`. */

/** Longer symbols are cut here in the record. */
const SYMBOL_BYTES_MAX = 1_024;

/** Strict, because a misspelt filter would find everything. */
export const executionsQuerySchema = membersOf(
  {
    status: oneOf(EXECUTION_STATUSES).optional().describe("what the tasks came to, in their newest run"),
    reason: textUpTo(200, { what: "a reason", example: "timeout" })
      .transform(storable)
      .optional()
      .openapi({ type: "string", description: "a reason of a task, or a handler's own" }),
    strategy: strategySchema.optional(),
    symbol: textUpTo(SYMBOL_BYTES_MAX, { what: "a ticker symbol", example: "BTCUSDT" })
      .transform((text) => spellingOf(storable(text)))
      .optional()
      .openapi({ type: "string", description: "of a ticker, or another spelling of it, such as an alias" }),
    from: timeSchema.optional().openapi({ description: "ended at this time or later" }),
    to: timeSchema.optional().openapi({ description: "ended before this time" }),
    limit: integerIn({ what: "a number of executions", min: 1, max: 200, example: 50 }).default(50),
    cursor: z
      .string(CURSOR_TEXT)
      .max(2_000, CURSOR_TEXT)
      .optional()
      .describe("`next_cursor` of the previous page of the same search"),
  },
  "?status=failed&limit=50",
).refine(isSpan, { path: SPAN_FAULT.path, error: SPAN_FAULT.message });
