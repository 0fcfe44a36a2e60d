import { z } from "@hono/zod-openapi";
import { RETRY_STATUSES } from "../../on-demand/run-dead-letter.ts";
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

export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: entryIdSchema.optional().describe("`next` of the previous page"),
  order: z.enum(["newest", "oldest"]).default("newest").describe("which come first"),
});

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

export const retryOneSchema = z
  .strictObject({ by: byName.optional().describe("who requests it, for the record"), reason })
  .openapi("RetryRequest");

/** More would take too long for one request. */
export const RETRY_COUNT_MAX = 100;

export const retrySeveralSchema = z
  .union([
    z.strictObject({
      ids: z.array(entryIdSchema).min(1).max(RETRY_COUNT_MAX),
      by: byName.optional(),
      reason,
    }),
    z.strictObject({
      all: z
        .literal(true)
        .describe(
          `the oldest ${RETRY_COUNT_MAX}; pass the answer's \`next\` as \`after\` for those that follow`,
        ),
      after: entryIdSchema.optional(),
      by: byName.optional(),
      reason,
    }),
  ])
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
