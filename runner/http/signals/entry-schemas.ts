import { z } from "@hono/zod-openapi";
import { LOG_STAGES } from "../../../shared/io/log/signal-log-reader.ts";
import { EXECUTION_STATUSES, ROUTING_STATUSES, SIGNAL_STATUSES } from "../../../shared/reasons.ts";
import { taskInFlightSchema } from "../tasks-in-flight.ts";

/** What the routes of signals answer. */

const isoTime = z.string().openapi({ format: "date-time", example: "2026-01-05T10:00:00.000Z" });
const detail = z.record(z.string(), z.unknown());

const stateSchema = z
  .discriminatedUnion("status", [
    z.object({ status: z.literal("waiting").describe("not delivered yet") }),
    z.object({
      status: z.literal("pending").describe("delivered to a consumer and not finished"),
      consumer: z.string(),
      idle_ms: z.int(),
      deliveries: z.int(),
    }),
    z.object({ status: z.literal("decided_not_logged").describe("decided; the row is not in the log yet") }),
    z.object({ status: z.literal("logged").describe("decided, and in the log") }),
    z.object({
      status: z.literal("dead_letter").describe("given up on before it was decided or before it was logged"),
      ids: z.array(z.string()),
    }),
    z.object({
      status: z
        .literal("acknowledged")
        .describe(
          "acknowledged in Redis, but no decision is found: Postgres is unavailable, the row was removed, or the group was started after this entry",
        ),
    }),
  ])
  .openapi("EntryState");
export type EntryState = z.infer<typeof stateSchema>;

const OUTCOME_STATUSES = [...new Set([...ROUTING_STATUSES, ...EXECUTION_STATUSES])].map(
  (one) => `\`${one}\``,
);

const outcomeSchema = z
  .object({
    strategy_id: z.int(),
    strategy: z.string().nullable().describe("name; null when the strategy no longer exists"),
    stage: z.enum(LOG_STAGES).describe("`attempt`: one that was not the last · `report`: what a worker said"),
    status: z.string().describe(`${OUTCOME_STATUSES.join(", ")}; of a \`report\`, the worker's own word`),
    reason: z.string().nullable(),
    detail,
    attempt: z.int().nullable(),
    duration_ms: z.int().nullable(),
    at: isoTime,
    logged_at: isoTime.nullable().describe("null: read from `signal_results`, not from the log"),
  })
  .openapi("Outcome");
export type OutcomeView = z.infer<typeof outcomeSchema>;

const decisionSchema = z
  .object({
    invocation: z.string().describe("`live`, or the id of a manual run"),
    asked_for: z
      .object({
        kind: z.string(),
        mode: z.string().nullable(),
        requested_by: z.string().nullable(),
        reason: z.string().nullable(),
        started_at: isoTime,
        finished_at: isoTime.nullable(),
      })
      .nullable()
      .describe("the manual run: who requested it, and why"),
    uid: z.string().nullable(),
    status: z.enum(SIGNAL_STATUSES),
    reason: z.string().nullable(),
    detail,
    signal_id: z.int().nullable(),
    direction: z.enum(["long", "short", "flat"]).nullable().describe("`flat`: an exit"),
    side: z
      .enum(["long", "short"])
      .nullable()
      .describe("the only side that an exit closes; null: both, or no exit"),
    symbol: z.string().nullable(),
    message: z.string().nullable(),
    source: z.string().nullable(),
    bar_time: isoTime.nullable(),
    sent_at: isoTime.nullable(),
    received_at: isoTime,
    decided_at: isoTime,
    snapshot: z.string().describe("version of the reference it was decided on"),
    duplicate_of: z.string().nullable().describe("entry that dispatched the same uid"),
    logged_at: isoTime.nullable().describe("null: read from `signal_results`, not from the log"),
    outcomes: z.array(outcomeSchema),
  })
  .openapi("Decision");
export type DecisionView = z.infer<typeof decisionSchema>;

const deadLetterSchema = z.object({
  id: z.string(),
  function: z.string(),
  stream: z.string().describe("stream of the entry that was given up on: the signal, its task or its record"),
  reason: z.string(),
  error: z.string(),
  at: isoTime,
});

const taskSchema = z
  .object({
    id: z.string().describe("its entry in `strategy_input_stream`"),
    invocation: z.string(),
    strategy_id: z.int(),
    dispatched_at: isoTime,
    state: z
      .enum(["waiting", "pending", "ended"])
      .describe("waiting: not delivered yet · pending: with a consumer, which has not ended it"),
    consumer: z.string().nullable(),
    attempts: z.int().nullable().describe("attempts that were begun; null unless it is pending"),
    idle_ms: z.int().nullable().describe("since it was delivered, begun, or last vouched for"),
  })
  .openapi("TaskState");

export const entryViewSchema = z
  .object({
    entry: z.object({
      id: z.string(),
      fields: z
        .record(z.string(), z.string())
        .nullable()
        .describe("as they arrived, each cut at 16 kB; null when no longer stored"),
      source: z.enum(["stream", "log", "signal_results", "dead_letter"]).nullable(),
    }),
    state: stateSchema,
    decisions: z.array(decisionSchema).describe("newest first"),
    tasks_in_flight: z.array(taskInFlightSchema).describe("its tasks that are delivered and not finished"),
    outcomes_without_decision: z.array(outcomeSchema.extend({ invocation: z.string() })),
    tasks: z
      .array(taskSchema)
      .describe("those that are still in `strategy_input_stream`, which keeps them for STREAM_RETENTION_MS"),
    dead_letters: z.array(deadLetterSchema),
    log: z.enum(["available", "unavailable"]).describe("unavailable: the answer is what Redis alone knows"),
    truncated: z.boolean().describe("there is, or may be, more than this"),
  })
  .openapi("Entry");
export type EntryView = z.infer<typeof entryViewSchema>;

export const signalViewSchema = z
  .object({
    uid: z.string(),
    entries: z.array(entryViewSchema).describe("oldest first"),
    truncated: z.boolean().describe("there are more entries; GET /signals?uid=… lists them all"),
  })
  .openapi("Signal");

const foundOutcomeSchema = z
  .object({
    status: z.enum(ROUTING_STATUSES),
    reason: z.string().nullable(),
    detail,
    run: z
      .object({
        status: z.enum(EXECUTION_STATUSES),
        reason: z.string().nullable(),
        detail,
        attempt: z.int().nullable().describe("number of the last attempt"),
        duration_ms: z.int().nullable(),
        at: isoTime,
      })
      .nullable()
      .describe("what the task came to: its newest end; null while there is none, or when there was no task"),
    attempts: z.int().describe("attempts that have ended"),
  })
  .openapi("StrategyOutcome");

export const foundSignalsSchema = z
  .object({
    signals: z
      .array(
        decisionSchema
          .pick({
            invocation: true,
            uid: true,
            status: true,
            reason: true,
            signal_id: true,
            direction: true,
            side: true,
            symbol: true,
            message: true,
            source: true,
            bar_time: true,
            decided_at: true,
            snapshot: true,
            duplicate_of: true,
          })
          .extend({
            entry_id: z.string(),
            outcome: foundOutcomeSchema
              .optional()
              .describe("of the strategy that was asked for; absent without `strategy`"),
          }),
      )
      .describe("newest decision first; texts are cut at 200 characters, GET /entries/{id} has them whole"),
    next_cursor: z
      .string()
      .nullable()
      .describe("for the next page of the same search; null: this is the last page"),
  })
  .openapi("FoundSignals");
