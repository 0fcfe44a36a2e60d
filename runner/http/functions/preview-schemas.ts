import { z } from "@hono/zod-openapi";

/** What dry runs of strategies answer. */

const texts = z.record(z.string(), z.string());

const stopSchema = z.object({
  reason: z.string().describe("as a reason of a task or a signal"),
  text: z.string().describe("for people"),
});

const actSchema = z
  .object({
    post: z
      .object({
        method: z.literal("POST"),
        url: z.string().describe("of an address in params its host only"),
        headers: texts,
        body: z.string(),
        timeout_ms: z.number(),
      })
      .optional()
      .describe(
        "the request; `(secret NAME)` stands for a secret, `(made with secret NAME)` for what is made of it",
      ),
    append: z
      .object({ stream: z.string(), fields: texts })
      .optional()
      .describe("the entry that would be added to the strategy's own stream"),
    log: z.string().optional().describe("the line that would be written to the router's log"),
    outcome: z
      .object({
        status: z.string(),
        reason: z.string().nullable(),
        detail: z.record(z.string(), z.unknown()),
      })
      .optional()
      .describe("how the task would end; absent with `post`, whose answer decides it"),
  })
  .openapi("StrategyAct");

export const taskPreviewSchema = z
  .object({
    strategy_id: z.int(),
    strategy: z.string(),
    handler: z.string().nullable().describe("null: the reference has no such strategy"),
    idempotency_key: z.string(),
    stops: z.array(stopSchema).describe("what would keep it from being run, or make it fail"),
    would: actSchema.optional().describe("what the handler would do if nothing stopped it"),
    no_dry_run: z.string().optional().describe("why it is not known what the handler would do"),
  })
  .openapi("TaskPreview");
