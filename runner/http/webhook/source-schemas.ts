import { z } from "@hono/zod-openapi";
import { SIGNAL_STATUSES } from "../../../shared/reasons.ts";
import { routingOutcomeSchema } from "../../../shared/records.ts";
import { webhookSourceSchema } from "../../../shared/reference/webhook-source.ts";

/** Answers of the routes about webhook sources. */

const { enabled, format, template, uid } = webhookSourceSchema.shape;

const sourceSchema = z
  .object({
    name: z.string(),
    built_in: z.boolean().describe("true: it exists without a row of the reference"),
    enabled,
    format: format.optional(),
    template: template.optional(),
    uid: uid.optional(),
    faults: z.array(z.string()).describe("what is wrong with it"),
    secrets: z.int().describe("how many secrets it has; with none, every request is answered 401"),
    variable: z.string().describe("the variable that holds them"),
  })
  .openapi("WebhookSource");
export type SourceView = z.infer<typeof sourceSchema>;

export const sourcesSchema = z
  .object({ version: z.string().describe("of the snapshot"), sources: z.array(sourceSchema) })
  .openapi("WebhookSources");

const detail = z.record(z.string(), z.unknown());

export const trialSchema = z
  .union([
    z.object({
      accepted: z.literal(true),
      alerts: z.array(
        z.object({
          fields: z.record(z.string(), z.string()).describe("of the entry in `signals_stream`"),
          uid: z.string(),
          decision: z.object({
            status: z.enum(SIGNAL_STATUSES),
            reason: z.string().nullable(),
            detail,
            signal_id: z.int().nullable(),
            direction: z.enum(["long", "short", "flat"]).nullable(),
            side: z.enum(["long", "short"]).nullable().describe("the only side that an exit closes"),
            symbol: z.string(),
            outcomes: z.array(routingOutcomeSchema),
          }),
        }),
      ),
    }),
    z.object({
      accepted: z.literal(false),
      problem: z.object({
        status: z.int(),
        code: z.string(),
        detail: z.string().describe("with line and column where the body cannot be read"),
        hint: z.string().nullable(),
        issues: z.array(z.object({ path: z.string(), message: z.string() })),
      }),
    }),
  ])
  .openapi("SourceTrial");
export type Trial = z.infer<typeof trialSchema>;
