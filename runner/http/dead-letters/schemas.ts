import { z } from "@hono/zod-openapi";
import { RETRY_STATUSES } from "../../on-demand/run-dead-letter.ts";
import { integerIn, membersOf, oneOf } from "../expected.ts";
import { byName, entryIdSchema, reasonText } from "../routes.ts";

/** What the routes of dead letters accept and answer. */

const fields = z.record(z.string(), z.string());

export const deadLetterSchema = z
  .union([
    z.object({
      id: z.string(),
      stream: z.string(),
      entry_id: z.string(),
      function: z.string(),
      reason: z.string(),
      error: z.string(),
      deliveries: z.int(),
      at: z.string(),
      fields: fields.describe("of the entry, as it was delivered"),
    }),
    z
      .object({ id: z.string(), fault: z.string(), raw: fields })
      .describe("an entry of `dead_letters` that is not a dead letter; it can only be discarded"),
  ])
  .openapi("DeadLetter");
export type DeadLetterView = z.infer<typeof deadLetterSchema>;

export const pageQuerySchema = membersOf(
  {
    limit: integerIn({ what: "a number of dead letters", min: 1, max: 200, example: 50 }).default(50),
    after: entryIdSchema.optional().describe("`next` of the previous page"),
    order: oneOf(["newest", "oldest"]).default("newest").describe("which come first"),
  },
  "?limit=50&order=oldest",
);

export const pageSchema = z
  .object({
    dead_letters: z
      .array(deadLetterSchema)
      .describe("values are cut at 1 kB; GET /dead-letters/{id} has them whole"),
    count: z.int().describe("number of all dead letters"),
    next: z.string().nullable().describe("for the next page; null: this is the last page"),
  })
  .openapi("DeadLetters");

const reason = reasonText.optional().describe("for the record");

export const retryOneSchema = membersOf(
  { by: byName.optional().describe("who requests it, for the record"), reason },
  '{"by": "ann", "reason": "column made wider"}',
).openapi("RetryRequest");

/** More would take too long for one request. */
export const RETRY_COUNT_MAX = 100;

const IDS_EXAMPLE = '{"ids": ["1700000000000-0"], "by": "ann"}';
const ALL_EXAMPLE = '{"all": true, "by": "ann"}';
const IDS_TEXT = `expected a list of 1 to ${RETRY_COUNT_MAX} ids of dead letters, such as ["1700000000000-0"]`;

export const retrySeveralSchema = z
  .union(
    [
      membersOf(
        {
          ids: z.array(entryIdSchema, IDS_TEXT).min(1, IDS_TEXT).max(RETRY_COUNT_MAX, IDS_TEXT),
          by: byName.optional(),
          reason,
        },
        IDS_EXAMPLE,
      ),
      membersOf(
        {
          all: z
            .literal(true, 'expected true, such as in {"all": true}')
            .describe(
              `the oldest ${RETRY_COUNT_MAX}; pass the answer's \`next\` as \`after\` for those that follow`,
            ),
          after: entryIdSchema.optional(),
          by: byName.optional(),
          reason,
        },
        ALL_EXAMPLE,
      ),
    ],
    `expected either ids or all, such as ${IDS_EXAMPLE} or ${ALL_EXAMPLE}`,
  )
  .openapi("RetrySomeRequest");

const note = z.string().describe("for people: what was decided, or why it could not be retried");
const status = z
  .enum(RETRY_STATUSES)
  .describe(
    "done · dead: given up on again, as a new dead letter · left: not retried, kept · gone: it does not exist",
  );

export const retriedSchema = z
  .object({ invocation: z.string(), status: status.extract(["done", "dead"]), note })
  .openapi("Retried");

export const retriedSeveralSchema = z
  .object({
    invocation: z.string().nullable().describe("null when there was nothing to retry"),
    counts: z.object({ done: z.int(), dead: z.int(), left: z.int(), gone: z.int() }),
    attempts: z.array(
      z.object({
        id: z.string(),
        status,
        note,
        failed: z.literal(true).optional().describe("it was a task, and its run failed for good"),
      }),
    ),
    next: z.string().nullable().describe("`after` for the next call with `all`; null: there are no more"),
  })
  .openapi("RetriedSome");
