import { z } from "@hono/zod-openapi";
import { RETRY_STATUSES } from "../../on-demand/run-dead-letter.ts";
import { byName, entryIdSchema } from "../routes.ts";

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
      .describe("something else that is in `dead_letters`; it can be discarded only"),
  ])
  .openapi("DeadLetter");
export type DeadLetterView = z.infer<typeof deadLetterSchema>;

export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: entryIdSchema.optional().describe("`next` of the page before"),
  order: z.enum(["newest", "oldest"]).default("newest").describe("which come first"),
});

export const pageSchema = z
  .object({
    dead_letters: z
      .array(deadLetterSchema)
      .describe("values are cut at 1 kB here; GET /dead-letters/{id} has them whole"),
    count: z.int().describe("how many there are in all"),
    next: z.string().nullable().describe("for the next page; null: this is the last"),
  })
  .openapi("DeadLetters");

const why = z.string().trim().min(1).max(1_000).optional().describe("why, for the record");

export const retryOneSchema = z
  .strictObject({ by: byName.optional().describe("who asks, for the record"), reason: why })
  .openapi("RetryRequest");

/** More take too long for one request. */
export const RETRY_COUNT_MAX = 100;

export const retrySomeSchema = z
  .union([
    z.strictObject({
      ids: z.array(entryIdSchema).min(1).max(RETRY_COUNT_MAX),
      by: byName.optional(),
      reason: why,
    }),
    z.strictObject({
      all: z
        .literal(true)
        .describe(`the oldest ${RETRY_COUNT_MAX}; the answer's \`next\` goes on after them`),
      after: entryIdSchema.optional(),
      by: byName.optional(),
      reason: why,
    }),
  ])
  .openapi("RetrySomeRequest");

const note = z.string().describe("for people: what was decided, or what stood in the way");
const status = z
  .enum(RETRY_STATUSES)
  .describe("done · dead: given up on again, a new one is in its place · left where it is · gone: not there");

export const retriedSchema = z
  .object({ invocation: z.string(), status: status.extract(["done", "dead"]), note })
  .openapi("Retried");

export const retriedSomeSchema = z
  .object({
    invocation: z.string().nullable().describe("null when there was nothing to retry"),
    counts: z.object({ done: z.int(), dead: z.int(), left: z.int(), gone: z.int() }),
    attempts: z.array(
      z.object({
        id: z.string(),
        status,
        note,
        failed: z.literal(true).optional().describe("it was a task, and running it failed for good"),
      }),
    ),
    next: z.string().nullable().describe("`after` for the next call with `all`; null: there are no more"),
  })
  .openapi("RetriedSome");
