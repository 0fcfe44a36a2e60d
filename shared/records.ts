import * as z from "zod";
import { EVENT_LEVELS } from "./events.ts";
import { EXECUTION_STATUSES, ROUTING_STATUSES, SIGNAL_STATUSES } from "./reasons.ts";

/**
 * The records in `signal_results` and `system_events`, for `persist-log` and for any service with a consumer group of its own.
 * An entry of `signal_results` has the fields `kind`, `entry_id`, `invocation` and `data`, the JSON described here. Times are
 * ISO 8601, UTC.
 */

const time = z.iso.datetime({ offset: true });
const detail = z.record(z.string(), z.unknown());
/** The id of an entry. */
export const entryIdText = z.string().regex(/^\d+-\d+$/, "expected an entry id such as 1700000000000-0");

/** Not z.record, which drops a field named `__proto__`. */
export const rawFields = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((field) => typeof field === "string"),
  "expected an object of strings",
);

export const routingOutcomeSchema = z.object({
  strategy_id: z.int(),
  strategy: z.string(),
  status: z.enum(ROUTING_STATUSES),
  reason: z.string().nullable(),
  detail,
});
/** The decision for one subscribed strategy. */
export type RoutingOutcome = z.infer<typeof routingOutcomeSchema>;

/** `kind: signal` – the decision on one entry of `signals_stream`, with every strategy's outcome. */
export const signalRecordSchema = z.object({
  /** The entry that dispatched the same uid, when this one is a duplicate. */
  duplicate_of: z.string().nullable(),
  uid: z.string().nullable(),
  status: z.enum(SIGNAL_STATUSES),
  reason: z.string().nullable(),
  detail,
  signal_id: z.int().nullable(),
  direction: z.enum(["long", "short", "flat"]).nullable(),
  /** The only side that an exit closes; null or absent: both, and for openings. */
  side: z.enum(["long", "short"]).nullish(),
  symbol: z.string().nullable(),
  message: z.string().nullable(),
  source: z.string().nullable(),
  raw: rawFields,
  bar_time: time.nullable(),
  sent_at: time.nullable(),
  received_at: time,
  decided_at: time,
  snapshot: z.string(),
  outcomes: z.array(routingOutcomeSchema),
});
export type SignalRecord = z.infer<typeof signalRecordSchema>;

/** The id of a retry, in a task and in the record of what it came to; a worker passes it on. */
export const retryIdText = z.string().regex(/^[\w-]{1,64}$/, "expected the id of a retry");

/** `kind: outcome` – how one task ended. */
export const outcomeRecordSchema = z.object({
  uid: z.string().nullable().optional(),
  strategy_id: z.int(),
  status: z.enum(EXECUTION_STATUSES),
  reason: z.string().nullable(),
  detail,
  attempt: z.int().nullable(),
  duration_ms: z.int().nullable(),
  at: time,
  /** The retry that ran the task; absent: its first run. */
  retry: retryIdText.optional(),
});
export type OutcomeRecord = z.infer<typeof outcomeRecordSchema>;

/**
 * `kind: attempt` – how an attempt of a task ended after which there was another one. It may be published twice: `task_id` and
 * `attempt` say which it is.
 */
export const attemptRecordSchema = outcomeRecordSchema.extend({
  status: z.literal("failed"),
  attempt: z.int(),
  /** The task's own entry. */
  task_id: entryIdText,
});
export type AttemptRecord = z.infer<typeof attemptRecordSchema>;

/** Longest word that a worker may report as a status. */
export const REPORT_STATUS_LENGTH_MAX = 64;

/** `kind: report` – what a worker reports about the newest dispatch of a uid to its strategy, under a word of its own. */
export const reportRecordSchema = z.object({
  strategy_id: z.int(),
  status: z.string().min(1).max(REPORT_STATUS_LENGTH_MAX),
  detail,
  at: time,
  /** The entry that the worker added, and its stream. */
  stream: z.string().min(1),
  report_id: entryIdText,
});
export type ReportRecord = z.infer<typeof reportRecordSchema>;

export const INVOCATION_KINDS = ["replay", "dead_letter", "manual", "retry"] as const;

/**
 * `kind: invocation` – one manual run: who asked for what, and why. Published at its start, and again at its end with
 * `finished_at` and `counts`, which an interrupted run never has. Its `entry_id` is empty.
 */
export const invocationRecordSchema = z.object({
  id: z.string().min(1),
  kind: z.enum(INVOCATION_KINDS),
  mode: z.string().nullable(),
  /** The snapshot version that was current at the start. */
  snapshot: z.string().nullable(),
  requested_by: z.string().nullable(),
  reason: z.string().nullable(),
  /** The entries it was asked to work on. */
  selection: detail,
  started_at: time,
  finished_at: time.nullable(),
  counts: z.record(z.string(), z.int()).nullable(),
});
export type InvocationRecord = z.infer<typeof invocationRecordSchema>;

/** The fields of an entry of `system_events`. */
export const eventRecordSchema = z.object({
  event_id: z.uuid(),
  at: time,
  level: z.enum(EVENT_LEVELS),
  source: z.string(),
  message: z.string(),
  details: z.string(),
  action_flag: z.enum(["true", "false"]),
});
export type EventRecord = z.infer<typeof eventRecordSchema>;
