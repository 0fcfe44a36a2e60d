import { z } from "@hono/zod-openapi";
import { routingOutcomeSchema } from "../../../shared/records.ts";

/** The lines of `GET /tail`. */

const text = z.string().nullable();
const common = {
  id: z.string().describe("entry of `signal_results`"),
  entry_id: text.describe("entry of `signals_stream`; null where a worker named its task by the uid alone"),
  invocation: text,
  uid: text,
  at: z.string(),
  symbol: text,
  message: text,
  status: z.string(),
  reason: text,
  detail: z.record(z.string(), z.unknown()),
};

const decision = z.object({
  kind: z.literal("decision"),
  ...common,
  direction: z.enum(["long", "short", "flat"]).nullable(),
  side: z.enum(["long", "short"]).nullable().default(null).describe("the only side that an exit closes"),
  source: text,
  duplicate_of: text,
  strategies: z.array(routingOutcomeSchema),
});
export type TailedDecision = z.infer<typeof decision>;

const outcome = z.object({
  kind: z.enum(["attempt", "outcome", "report"]).describe("`attempt`: it failed, and another one follows"),
  ...common,
  strategy_id: z.int(),
  strategy: text.describe("name; null: the current snapshot has no such strategy"),
  attempt: z.int().nullable(),
  duration_ms: z.int().nullable(),
});
export type TailedOutcome = z.infer<typeof outcome>;

export const tailLineSchema = z
  .union([
    z.object({ kind: z.literal("began"), at: z.string() }),
    z.object({
      kind: z.literal("heartbeat"),
      at: z.string(),
      redis: z
        .enum(["available", "unavailable"])
        .describe("unavailable: what is decided meanwhile follows when Redis answers again"),
    }),
    z.object({ kind: z.literal("missed"), count: z.int() }),
    decision,
    outcome,
  ])
  .openapi("TailLine");
export type TailLine = z.infer<typeof tailLineSchema>;
