import { z } from "@hono/zod-openapi";
import { EXECUTION_STATUSES } from "../../../shared/reasons.ts";
import { membersOf, textUpTo } from "../expected.ts";
import { strategySchema } from "../named-strategy.ts";
import { byName, reasonText } from "../routes.ts";

/** What the routes of executions accept and answer. */

const isoTime = z.string().openapi({ format: "date-time", example: "2026-01-05T10:00:00.000Z" });
const strategyName = z.string().nullable().describe("name; null when the strategy no longer exists");
const status = z.enum(EXECUTION_STATUSES);
const SIDE_TEXT = "the only side that an exit closes; null: both, or no exit";

const foundExecutionSchema = z
  .object({
    entry_id: z.string().describe("entry of the signal in signals_stream"),
    invocation: z.string().describe("`live`, or the id of a manual run"),
    strategy_id: z.int(),
    strategy: strategyName,
    retry: z.string().nullable().describe("the retry it came to this in; null: its first run"),
    status,
    reason: z.string().nullable(),
    error: z.string().nullable().describe("of the detail, cut at 500 characters"),
    attempt: z.int().nullable(),
    duration_ms: z.int().nullable(),
    at: isoTime,
    uid: z.string().nullable(),
    symbol: z.string().nullable(),
    direction: z.enum(["long", "short", "flat"]).nullable(),
    side: z.enum(["long", "short"]).nullable().describe(SIDE_TEXT),
    message: z.string().nullable(),
  })
  .openapi("FoundExecution");

export const foundExecutionsSchema = z
  .object({
    executions: z.array(foundExecutionSchema).describe("the newest first; each task once, as it is now"),
    next_cursor: z
      .string()
      .nullable()
      .describe("for the next page of the same search; null: this is the last page"),
  })
  .openapi("FoundExecutions");
export type FoundExecutionsView = z.infer<typeof foundExecutionsSchema>;

const retrySchema = z
  .object({
    id: z.string(),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    at: isoTime.nullable(),
  })
  .openapi("ExecutionRetry");

const attemptSchema = z.object({
  reason: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  attempt: z.int().nullable(),
  duration_ms: z.int().nullable(),
  at: isoTime,
});

const taskSchema = z
  .object({
    strategy_id: z.int(),
    strategy: strategyName,
    invocation: z.string(),
    uid: z.string().nullable(),
    symbol: z.string().nullable(),
    direction: z.enum(["long", "short", "flat"]).nullable(),
    side: z.enum(["long", "short"]).nullable().describe(SIDE_TEXT),
    dispatched_at: isoTime,
    idempotency_key: z
      .string()
      .nullable()
      .describe("the same for every run; null: not known, since the log lacks its uid or its invocation"),
    status: status.nullable().describe("of the newest run; null: none has ended, as far as the log knows"),
    runs: z
      .array(attemptSchema.extend({ status: z.string(), retry: retrySchema.nullable() }))
      .describe("that have ended, the first one first; `retry` is null for the first run"),
    attempts: z.array(attemptSchema).describe("after which there was another one"),
    running_retries: z.array(retrySchema).describe("whose run has not ended, as far as the log knows"),
    dead_letters: z.array(z.string()).describe("ids of the dead letters that are this task"),
    retry: z.object({
      possible: z
        .boolean()
        .describe("by its runs; whether the strategy may run now is known when it is retried"),
      why_not: z.string().nullable(),
      warning: z.string().nullable().describe("that an earlier run may have taken effect"),
    }),
  })
  .openapi("TaskExecutions");

export const entryExecutionsSchema = z
  .object({
    entry_id: z.string(),
    tasks: z.array(taskSchema),
    truncated: z.boolean().describe("there is more than this"),
  })
  .openapi("EntryExecutions");
export type EntryExecutionsView = z.infer<typeof entryExecutionsSchema>;

export const retryRequestSchema = membersOf(
  {
    strategy: z.union([z.int().min(1).max(2_147_483_647), strategySchema]).describe("id or name"),
    invocation: textUpTo(200, { what: "an invocation", example: "live" })
      .default("live")
      .describe("the invocation that dispatched the task"),
    allow_stale: z
      .boolean("expected true or false")
      .default(false)
      .describe("run it whatever its age: limits of age count from the retry"),
    by: byName.optional().describe("who requests it, for the record"),
    reason: reasonText.describe("why, for the record"),
  },
  '{"strategy": "Trend follower", "by": "ann", "reason": "secret set"}',
).openapi("ExecutionRetryRequest");

export const retriedExecutionSchema = z
  .object({
    retry: z.string().describe("id of the retry; GET /executions/{entry} has its run under it"),
    entry_id: z.string(),
    strategy_id: z.int(),
    strategy: strategyName,
    invocation: z.string(),
    idempotency_key: z.string().describe("that of the first run"),
    warning: z.string().nullable().describe("that an earlier run may have taken effect"),
    dead_letter: z
      .object({ id: z.string(), status: z.string(), note: z.string(), failed: z.boolean() })
      .nullable()
      .describe("the task was a dead letter, and what came of it; null: it was put into the stream"),
  })
  .openapi("RetriedExecution");
