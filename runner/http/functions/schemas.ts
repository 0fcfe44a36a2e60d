import { z } from "@hono/zod-openapi";
import { STREAMS } from "../../../shared/keys.ts";
import { rawFields, signalRecordSchema } from "../../../shared/records.ts";
import { byName, entryIdSchema, reasonText } from "../routes.ts";

/** What the routes of functions accept and answer. */

export const nameParams = z.object({ name: z.string().openapi({ example: "process-signals" }) });

const TEXTS = { type: "object", additionalProperties: { type: "string" } } as const;
const ENTRIES_MAX = 1_000;

const entry = z.strictObject({
  id: entryIdSchema.optional().describe("default: made from Redis' clock and the position in the list"),
  fields: rawFields
    .refine((fields) => Object.keys(fields).length > 0, "expected at least one field")
    .meta(TEXTS),
});

export const runBody = z
  .strictObject({
    entries: z.array(entry).min(1).max(ENTRIES_MAX).optional().describe("entries to process; none for a job"),
    stream: z
      .enum(STREAMS)
      .optional()
      .describe("stream the entries are treated as coming from, if the function reads several"),
    invocation: z
      .string()
      .regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, - and _")
      .refine((id) => id !== "live", "`live` is reserved for what the router does by itself")
      .optional()
      .describe(
        "makes a repeated call harmless: what was committed under the same id is not committed again",
      ),
    by: byName.optional(),
    reason: reasonText.optional(),
  })
  .superRefine(({ entries = [], invocation }, context) => {
    const seen = new Set<string>();
    for (const [i, { id }] of entries.entries()) {
      const path = ["entries", i, "id"];
      if (id === undefined && invocation !== undefined) {
        const message = "with `invocation` each entry needs an id, so that a repeated call recognises it";
        context.addIssue({ code: "custom", path, message });
      } else if (id !== undefined && seen.has(id)) {
        context.addIssue({ code: "custom", path, message: `${id} is the id of another entry too` });
      }
      if (id !== undefined) seen.add(id);
    }
  })
  .openapi("FunctionCall");

export const runQuery = z.strictObject({
  dryRun: z
    .enum(["true", "false"])
    .default("false")
    .describe("true: answer what would happen and change nothing"),
});

const decision = signalRecordSchema.extend({ raw: rawFields.meta(TEXTS) }).openapi("DecisionRecord");

const runAnswer = z
  .object({
    invocation: z.string(),
    results: z.array(
      z.object({
        id: z.string(),
        status: z.enum(["committed", "left"]),
        outcome: z
          .enum(["applied", "duplicate", "held", "fenced"])
          .optional()
          .describe(
            "`duplicate`: another entry has dispatched the uid · `held`: this entry has dispatched it before, nothing was done · `fenced`: an earlier call has committed it",
          ),
        decision: decision.optional().describe("the record that was written"),
        error: z.string().optional().describe("why it was left, or became a dead letter"),
      }),
    ),
  })
  .openapi("FunctionAnswer");

const branch = {
  append: z.array(
    z.object({
      stream: z.string(),
      fields: z.record(z.string(), z.string()),
      each: z.array(z.record(z.string(), z.string())).optional(),
    }),
  ),
  count: z.array(z.string()),
};
const effects = z.object({
  ...branch,
  claim: z.object({ uid: z.string(), if_lost: z.object(branch) }).optional(),
});

const dryRunAnswer = z
  .object({
    dry_run: z.literal(true),
    results: z.array(
      z.object({
        id: z.string(),
        status: z.enum(["done", "retry", "dead"]),
        outcome: z.enum(["applied", "duplicate", "held"]).optional(),
        decision: decision.optional(),
        effects: effects.optional().describe("what the commit would do"),
        reason: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .openapi("DryRunAnswer");
export type EffectsView = z.infer<typeof effects>;

const jobAnswer = z
  .looseObject({ job: z.string() })
  .openapi("JobAnswer", { description: "what the job did, or with `dry_run` what it would do" });

export const callAnswer = z.union([runAnswer, dryRunAnswer, jobAnswer]);
export type CallAnswer = z.infer<typeof callAnswer>;

/** Time budget of one call, in ms. */
export const budgetMs = z.coerce
  .number()
  .int()
  .positive()
  .max(55_000)
  .default(10_000)
  .describe(
    "time to use, in ms. After it no entry is read and no task is started; entries in flight get 3 s more to finish, and running strategies STRATEGY_TIMEOUT_MS more",
  );

const drained = {
  read: z.int(),
  committed: z.int(),
  left: z.int().describe("read but not committed: pending, and reclaimed after CLAIM_IDLE_MS"),
  empty: z.boolean().describe("no entry was waiting at the end"),
  unavailable: z.string().optional().describe("the dependency whose failure stopped it"),
};
export const pollAnswer = z
  .object({
    ...drained,
    took_ms: z.int(),
    streams: z.array(z.object({ stream: z.enum(STREAMS), ...drained })),
  })
  .openapi("PollAnswer");
