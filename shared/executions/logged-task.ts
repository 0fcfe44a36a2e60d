import type { Fields } from "../entry.ts";
import type { Append } from "../function.ts";
import type { SignalRecord } from "../records.ts";
import { extraOf } from "../signal/extra.ts";
import type { Detail } from "../signal/signal.ts";
import { receivedTextIn, wholeSymbol } from "../signal/signal.ts";
import { isoTime } from "../signal/time.ts";
import { dispatchFieldsOf, signalFieldsOf, strategyFieldsOf } from "../task-fields.ts";

/** This room says what a dispatched task came to, and whether and as what it may be run again. */

/** A dispatched task as the log has it, with its runs. Times are ISO 8601, UTC. */
export interface LoggedTask {
  readonly entryId: string;
  readonly invocation: string;
  readonly strategyId: number;
  /** Its name today; null when the strategy no longer exists. */
  readonly strategy: string | null;
  readonly decision: TaskDecision;
  /** What became of it: the first run, then its retries, in order of time. */
  readonly runs: readonly TaskRun[];
  /** Attempts after which there was another one, in order of time. */
  readonly attempts: readonly TaskAttempt[];
  /** Retries that put it into the stream again, whether or not their run has ended. */
  readonly retries: readonly TaskRetry[];
}

/** The decision that dispatched it: a row of `signal_log`, and when its invocation was forced, in ms since 1970. */
export interface TaskDecision extends Pick<
  SignalRecord,
  | "uid"
  | "signal_id"
  | "direction"
  | "side"
  | "symbol"
  | "source"
  | "raw"
  | "bar_time"
  | "sent_at"
  | "received_at"
  | "decided_at"
  | "snapshot"
> {
  /** Null: it was not forced. Undefined: not known, since the log lacks its invocation. */
  readonly forcedAt: number | null | undefined;
}

export interface TaskRun {
  readonly status: string;
  readonly reason: string | null;
  readonly detail: Detail;
  readonly attempt: number | null;
  readonly durationMs: number | null;
  readonly at: string;
  /** The retry that ran it; null: its first run. */
  readonly retry: TaskRetry | null;
}

/** Who asked for a retry, and why; null: the log does not have it (yet). */
export interface TaskRetry {
  readonly id: string;
  readonly by: string | null;
  readonly reason: string | null;
  readonly at: string | null;
}

export interface TaskAttempt extends Omit<TaskRun, "status" | "retry"> {}

export interface Redispatch {
  /** Id of the retry. */
  readonly retry: string;
  /** Name of the strategy today. */
  readonly strategy: string;
  /** Milliseconds since 1970 from which its age counts; undefined: as that of the first dispatch. */
  readonly retriedAt: number | undefined;
}

/**
 * What puts the task into the stream again: the fields of its first dispatch, but for the strategy's name, which is today's, and
 * with the retry. Undefined when the log lacks what they are made of.
 */
export function taskAppend(task: LoggedTask, { retry, strategy, retriedAt }: Redispatch): Append | undefined {
  const { entryId, invocation, strategyId, decision } = task;
  const { uid, signal_id, direction, bar_time, raw, source, snapshot, forcedAt } = decision;
  if (uid === null || signal_id === null || direction === null || bar_time === null) return undefined;
  if (forcedAt === undefined) return undefined;
  // What it means may have changed since, so that of the record counts.
  const symbol = decision.symbol === null ? undefined : wholeSymbol(decision.symbol, raw);
  if (symbol === undefined) return undefined;
  const signal = {
    entryId,
    symbol,
    source,
    receivedText: receivedTextIn(raw),
    extra: extraOf(raw).json,
  };
  const again: Fields = {
    retry,
    ...(retriedAt === undefined ? {} : { retried_at: isoTime(retriedAt) }),
  };
  return {
    stream: "strategy_input_stream",
    each: [strategyFieldsOf(strategyId, strategy)],
    common: { ...dispatchFieldsOf({ invocation, snapshot, forcedAt: forcedAt ?? undefined }), ...again },
    fields: signalFieldsOf(signal, decision),
  };
}
