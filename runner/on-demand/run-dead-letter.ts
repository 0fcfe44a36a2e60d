import type { Redis } from "ioredis";
import type { DeadLetter } from "../../shared/dead-letter.ts";
import { toError } from "../../shared/error-message.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { committedDecision, committedOutcome } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessDeps, type ProcessedEntry } from "../engine/process-batch.ts";
import { timeLimit } from "../engine/time-limit.ts";
import { withLease } from "./exclusive-lease.ts";

/**
 * Runs a function on the entry of a dead letter. Only one call at a time runs a function with side effects, for which the
 * fence of the commit comes too late. @throws LeaseTaken when another call is running it
 */
export async function runDeadLetter(
  binding: Binding,
  letter: DeadLetter,
  deps: RunDeps,
): Promise<AttemptResult> {
  const { redis, keys, stopping } = deps;
  const { sideEffectMsMax } = binding;
  if (sideEffectMsMax === undefined) return processLetter(binding, letter, LETTER_MS_MAX, deps);
  const msMax = LETTER_MS_MAX + sideEffectMsMax;
  const lease = {
    key: keys.lease("dead_letter", letter.id),
    what: IN_USE,
    workMsMax: msMax,
    waiting: timeLimit(LETTER_MS_MAX, stopping),
  };
  return withLease(redis, lease, async () => {
    const isThere = (await deadLettersOn(redis, keys).get(letter.id)) !== undefined;
    if (!isThere) return { status: "gone", note: DONE_ELSEWHERE };
    if (stopping?.aborted === true) return { status: "left", note: STOPPING };
    return processLetter(binding, letter, msMax, deps);
  });
}

export interface RunDeps extends Pick<ProcessDeps, "commit" | "clock" | "events"> {
  /** When it aborts, no further dead letter is retried; absent: never. */
  readonly stopping?: AbortSignal;
  readonly redis: Redis;
  readonly keys: Keys;
}

/** What became of the dead letter, with a note for people. */
export interface AttemptResult {
  readonly status: RetryStatus;
  readonly note: string;
  /** It was a task whose strategy has failed for good. */
  readonly failed?: true;
}

/**
 * `done`: its effects have happened, and it is removed · `dead`: it failed again, and a new dead letter replaces it · `left`: it
 * is still there · `gone`: it is not there, or another call has retried or discarded it.
 */
export const RETRY_STATUSES = ["done", "dead", "left", "gone"] as const;
export type RetryStatus = (typeof RETRY_STATUSES)[number];

export const STOPPING = "the router is stopping";
export const IN_USE = "another call is retrying or discarding it";
const DONE_ELSEWHERE = "another call has retried or discarded it";

/** For a retry without its strategy. The limits for reading Postgres and Redis are well below this one. */
const LETTER_MS_MAX = 60_000;

/** The fence of the commit is the removal of the dead letter, so of several retries only one acts. */
async function processLetter(
  binding: Binding,
  { id, entry, deliveries, functionName }: DeadLetter,
  msMax: number,
  deps: RunDeps,
): Promise<AttemptResult> {
  const onDemand = onDemandDeps(deps, { msMax });
  const { processed, stoppedBy } = await processBatch(binding, [entry], onDemand, {
    deliveries: deliveries + 1,
    fence: { kind: "dead_letter", deadLetterId: id },
  });
  // When the time is up, the last failure before that says more.
  if (stoppedBy !== undefined) throw toError(onDemand.lastFailure() ?? stoppedBy);
  const [only] = processed;
  if (only === undefined) throw new Error(`${functionName} gave no result for entry ${entry.id}`);
  return attemptResult(only);
}

function attemptResult(processed: ProcessedEntry): AttemptResult {
  if (processed.status === "left") return { status: "left", note: processed.error };
  const { outcome, result } = processed;
  switch (outcome) {
    case "fenced":
      return { status: "gone", note: DONE_ELSEWHERE };
    case "held":
      return { status: "done", note: "it had already been dispatched and was not dispatched again" };
    case "applied":
    case "duplicate": {
      if (result.status === "dead") return { status: "dead", note: `${result.reason}: ${result.error}` };
      const record = committedDecision(processed) ?? committedOutcome(processed);
      if (record === undefined) return { status: "done", note: "" };
      const { status, reason } = record;
      const note = reason === null ? status : `${status}: ${reason}`;
      return { status: "done", note, ...(status === "failed" ? { failed: true } : {}) };
    }
  }
}
