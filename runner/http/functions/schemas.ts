import { z } from "@hono/zod-openapi";
import { STREAMS } from "../../../shared/keys.ts";
import { rawFields, signalRecordSchema } from "../../../shared/records.ts";
import { byName, entryIdSchema } from "../routes.ts";

/** What `POST /functions/{name}` takes and answers. */

const TEXTS = { type: "object", additionalProperties: { type: "string" } } as const;
const ENTRIES_MAX = 1_000;

const entry = z.strictObject({
  id: entryIdSchema.optional().describe("default: made of Redis' clock and the place in the list"),
  fields: rawFields
    .refine((fields) => Object.keys(fields).length > 0, "expected at least one field")
    .meta(TEXTS),
});

export const runBody = z
  .strictObject({
    entries: z.array(entry).min(1).max(ENTRIES_MAX).optional().describe("what to work on; none for a job"),
    stream: z
      .enum(STREAMS)
      .optional()
      .describe("where the entries are taken to be from, for a function of several streams"),
    invocation: z
      .string()
      .regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, - and _")
      .refine((id) => id !== "live", "`live` is what the router does by itself")
      .optional()
      .describe("makes a repeated call harmless: what was committed under it is not committed again"),
    by: byName.optional(),
    reason: z.string().trim().min(1).max(1_000).optional(),
  })
  .superRefine(({ entries = [], invocation }, context) => {
    const seen = new Set<string>();
    for (const [i, { id }] of entries.entries()) {
      const path = ["entries", i, "id"];
      if (id === undefined && invocation !== undefined) {
        const message = "with `invocation` each entry needs its id, or a repeated call could not know it";
        context.addIssue({ code: "custom", path, message });
      } else if (id !== undefined && seen.has(id)) {
        context.addIssue({ code: "custom", path, message: `${id} is the id of another entry as well` });
      }
      if (id !== undefined) seen.add(id);
    }
  })
  .openapi("FunctionCall");

export const runQuery = z.strictObject({
  dryRun: z.enum(["true", "false"]).default("false").describe("say what would happen, and touch nothing"),
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
            "`duplicate`: another entry has dispatched the uid · `held`: this very entry has, and nothing was done · `fenced`: it was committed by an earlier call",
          ),
        decision: decision.optional().describe("the record that was made"),
        error: z.string().optional().describe("why it was left, or is a dead letter now"),
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
