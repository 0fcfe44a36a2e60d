import { createHash } from "node:crypto";
import * as z from "zod";
import { entryTime, isEntryId, type Entry } from "./entry.ts";
import { retryIdText } from "./records.ts";
import { sideSchema, type Direction, type Side } from "./reference/reference.ts";
import { NO_EXTRA, parseExtra, type Extra } from "./signal/extra.ts";
import { parseTime } from "./signal/time.ts";

/** A task: a dispatched (signal, strategy) pair in `strategy_input_stream`. Times are milliseconds since 1970. */
export interface Task {
  /** Id of the task's own entry. */
  readonly id: string;
  readonly strategyId: number;
  /** Name of the strategy when it was dispatched. */
  readonly strategy: string;
  readonly signalId: number;
  readonly symbol: string;
  readonly direction: Direction;
  /** The only side that an exit closes; null: both, and for openings. */
  readonly side: Side | null;
  readonly barTime: number;
  readonly receivedAt: number;
  readonly sentAt: number | null;
  readonly uid: string;
  readonly source: string;
  /** Entry of the signal in `signals_stream`. */
  readonly entryId: string;
  /** The invocation that dispatched it: `live`, or the id of a manual run. */
  readonly invocation: string;
  /** The snapshot version that the decision is based on. */
  readonly snapshot: string;
  /** When the replay was forced; null for other tasks. */
  readonly forcedAt: number | null;
  /** Id of the retry that dispatched it again; null for its first dispatch. */
  readonly retry: string | null;
  /** When it was dispatched again, at whatever age; its age counts from here. Null: it counts as that of the first dispatch. */
  readonly retriedAt: number | null;
  /** What came along with the signal. */
  readonly extra: Extra;
}

export type ParsedTask =
  | { readonly ok: true; readonly task: Task }
  /** What is wrong, field by field. */
  | { readonly ok: false; readonly error: string };

const id = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, "expected the id of a row")
  .transform(Number);
const time = z.string().transform((text, context): number => {
  const ms = parseTime(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: "expected a time, ISO 8601" });
  return z.NEVER;
});
const optionalTime = z
  .literal("")
  .transform(() => null)
  .or(time)
  .default(null);

const extraText = z.string().transform((text, context): Extra => {
  const extra = text === "" ? NO_EXTRA : parseExtra(text);
  if (extra !== undefined) return extra;
  context.addIssue({ code: "custom", message: "expected the JSON of an object of texts" });
  return z.NEVER;
});

const taskSchema = z
  .object({
    strategy_id: id,
    strategy: z.string().default(""),
    signal_id: id,
    symbol: z.string().min(1),
    direction: z.enum(["long", "short", "flat"]),
    side: z
      .literal("")
      .transform(() => null)
      .or(sideSchema)
      .default(null),
    time,
    received_at: time,
    sent_at: optionalTime,
    log_uid: z.string().min(1),
    source: z.string().default(""),
    entry_id: z.string().refine(isEntryId, "expected the id of the signal's entry"),
    invocation: z.string().min(1).default("live"),
    snapshot: z.string().default(""),
    forced_at: optionalTime,
    retry: z
      .literal("")
      .transform(() => null)
      .or(retryIdText)
      .default(null),
    retried_at: optionalTime,
    extra: extraText.default(NO_EXTRA),
  })
  .transform((fields) => ({
    strategyId: fields.strategy_id,
    strategy: fields.strategy,
    signalId: fields.signal_id,
    symbol: fields.symbol,
    direction: fields.direction,
    side: fields.side,
    barTime: fields.time,
    receivedAt: fields.received_at,
    sentAt: fields.sent_at,
    uid: fields.log_uid,
    source: fields.source,
    entryId: fields.entry_id,
    invocation: fields.invocation,
    snapshot: fields.snapshot,
    forcedAt: fields.forced_at,
    retry: fields.retry,
    retriedAt: fields.retried_at,
    extra: fields.extra,
  }));

/** The task in an entry of `strategy_input_stream`, or what is wrong with the entry. */
export function parseTask(entry: Entry): ParsedTask {
  const parsed = taskSchema.safeParse(entry.fields);
  if (!parsed.success) return { ok: false, error: `not a task: ${z.prettifyError(parsed.error)}` };
  return { ok: true, task: { id: entry.id, ...parsed.data } };
}

/** Age of the task's signal in milliseconds, never negative; since the replay or retry that has set it back. */
export function taskAge({ retriedAt, forcedAt, sentAt, entryId }: Task, now: number): number {
  return Math.max(0, now - (retriedAt ?? forcedAt ?? sentAt ?? entryTime(entryId)));
}

/**
 * Identifies a strategy's side effects, 32 hex digits: the same for every attempt of the same strategy on the same signal.
 * A forced replay has its own; a retry has that of the first dispatch.
 */
export function idempotencyKeyOf({
  uid,
  strategyId,
  invocation,
  forcedAt,
}: Pick<Task, "uid" | "strategyId" | "invocation" | "forcedAt">): string {
  const parts = forcedAt === null ? [uid, strategyId] : [uid, strategyId, invocation];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** The lane of a task: tasks of one lane are run in stream order. */
export function laneOf({ strategyId, symbol }: Task): string {
  return `${strategyId} ${symbol}`;
}
