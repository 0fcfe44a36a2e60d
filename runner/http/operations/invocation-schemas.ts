import { z } from "@hono/zod-openapi";
import { INVOCATION_KINDS } from "../../../shared/records.ts";

/** What the routes of runs on demand answer. */

export const invocationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(INVOCATION_KINDS),
    mode: z.string().nullable().describe("of a replay: `missing`, `force`"),
    snapshot: z.string().nullable().describe("version that was current when it began"),
    requested_by: z.string().nullable(),
    reason: z.string().nullable(),
    selection: z.record(z.string(), z.unknown()).describe("what it was asked to work on"),
    started_at: z.string(),
    finished_at: z.string().nullable(),
    state: z
      .enum(["finished", "unfinished"])
      .describe("unfinished: it is still at work, or was broken off, so that its end was never written"),
    counts: z.record(z.string(), z.int()).nullable().describe("how many entries came to what"),
  })
  .openapi("Invocation");

export const invocationsSchema = z
  .object({
    invocations: z.array(invocationSchema).describe("newest first; of all routers that share the database"),
    next_cursor: z.string().nullable().describe("for the next page; null: this is the last page"),
  })
  .openapi("Invocations");
