import type { Redis } from "ioredis";
import type { DeadLetter, StoredDeadLetter } from "../../shared/dead-letter.ts";
import { messageOf } from "../../shared/error-message.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import type { Keys } from "../../shared/keys.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import { bindingTo, type BindingDeps } from "../bindings/all-bindings.ts";
import type { Binding } from "../engine/binding.ts";
import { committedDecision, committedOutcome } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessDeps, type ProcessedEntry } from "../engine/process-batch.ts";
import { timeLimit } from "../engine/time-limit.ts";
import { LEASE_SPARE_MS, LeaseTaken, withLease } from "./exclusive-lease.ts";
import { beginInvocation, type Invocation } from "./invocation.ts";

export interface RetryRequest {
  /** Ids of dead letters, or all that are there now. */
  readonly letters: "all" | readonly string[];
  readonly requestedBy: string;
  readonly reason?: string | undefined;
  /** Told of each one as soon as it is known what became of it. */
  readonly onAttempt?: (attempt: RetryAttempt) => void;
}

export interface RetryDeps extends Pick<ProcessDeps, "commit" | "clock" | "events"> {
  /** When it aborts, no further one is retried; absent: never. */
  readonly stopping?: AbortSignal;
  readonly redis: Redis;
  readonly keys: Keys;
  /** See {@link retryBinding}. */
  readonly bindingFor: (letter: DeadLetter, invocation: string) => Binding | undefined;
}

/** What processes the entries of dead letters; undefined when this version has no such function for the letter's stream. */
export function retryBinding(deps: BindingDeps): RetryDeps["bindingFor"] {
  return (letter, invocation) =>
    bindingTo(letter, deps, { invocation, whilePaused: "wait", attempt: letter.deliveries + 1 });
}

/**
 * `done`: its effects have happened, and it is gone · `dead`: given up on again, a new dead letter is in its place · `left`: it
 * is still there · `gone`: it is not there, or not any more: somebody else has retried or discarded it.
 */
export const RETRY_STATUSES = ["done", "dead", "left", "gone"] as const;
export type RetryStatus = (typeof RETRY_STATUSES)[number];

/** What became of one dead letter, with a note for people. */
export interface RetryAttempt {
  readonly id: string;
  readonly status: RetryStatus;
  readonly note: string;
  /** It was a task, which has been run, in vain and for good. */
  readonly failed?: true;
}

export interface RetrySummary {
  /** Id of the invocation; undefined when there was nothing to retry, and nothing is recorded. */
  readonly invocation: string | undefined;
  readonly counts: Readonly<Record<RetryStatus, number>>;
}

const STOPPING = "the router is stopping";
const TAKEN_BY_ANOTHER_CALL = "somebody else has retried or discarded it";
export const IN_USE = "somebody is retrying or discarding it right now";
export const NOT_THERE = "there is no dead letter with this id";

/** For what a retry does besides running a strategy. Reading Postgres and Redis has limits of its own, well below this one. */
const LETTER_MS_MAX = 60_000;

/**
 * Runs the original functions on the entries of dead letters, one at a time, oldest first or in the order asked for. It is
 * one invocation, recorded when it begins and when it ends. Nothing is added to the streams the entries came from;
 * each commit is fenced by the removal of the dead letter, so that of two retries one acts; where a function acts before its
 * commit, one waits until the other is over.
 */
export async function retryDeadLetters(request: RetryRequest, deps: RetryDeps): Promise<RetrySummary> {
  const { requestedBy, onAttempt } = request;
  const counts = { done: 0, dead: 0, left: 0, gone: 0 };
  const away = new Map<string, string>();
  let begun: Invocation | undefined;
  for await (const stored of deadLettersOn(deps.redis, deps.keys).chosen(request.letters)) {
    let attempt: RetryAttempt;
    if (typeof stored === "string") {
      attempt = { id: stored, status: "gone", note: NOT_THERE };
    } else {
      const { letters, reason = null } = request;
      const selection = { dead_letters: letters };
      begun ??= await beginInvocation({ kind: "dead_letter", requestedBy, reason, selection }, deps);
      attempt = await retryLetter(stored, { invocation: begun.id, away }, deps);
      publishAttempt(stored, attempt, { invocation: begun.id, by: requestedBy }, deps);
    }
    counts[attempt.status] += 1;
    onAttempt?.(attempt);
  }
  await begun?.finish(counts);
  return { invocation: begun?.id, counts };
}

interface Run {
  readonly invocation: string;
  /** Functions that lack something, with what: the others of theirs are not tried in vain. */
  readonly away: Map<string, string>;
}

async function retryLetter(
  stored: StoredDeadLetter,
  { invocation, away }: Run,
  deps: RetryDeps,
): Promise<RetryAttempt> {
  const { id } = stored;
  if (!stored.ok) return { id, status: "left", note: `it cannot be read: ${stored.fault}` };
  if (deps.stopping?.aborted === true) return { id, status: "left", note: STOPPING };
  const { letter } = stored;
  const { functionName, stream, entry } = letter;
  if (letter.reason === "entry_deleted")
    return { id, status: "left", note: "its fields are lost: discard it" };
  const binding = deps.bindingFor(letter, invocation);
  if (binding === undefined) {
    return { id, status: "left", note: `${functionName} on ${stream} is nothing that can be run here` };
  }
  const missing = away.get(functionName);
  if (missing !== undefined) return { id, status: "left", note: missing };
  const msMax = LETTER_MS_MAX + (binding.sideEffectMsMax ?? 0);
  const run = async (): Promise<RetryAttempt> => {
    const onDemand = onDemandDeps(deps, { msMax });
    const { processed: all, stoppedBy } = await processBatch(binding, [entry], onDemand, {
      deliveries: letter.deliveries + 1,
      fence: { kind: "dead_letter", deadLetterId: id },
    });
    // When the time is up, what went wrong until then says more.
    if (stoppedBy !== undefined) throw onDemand.lastFailure() ?? stoppedBy;
    const [processed] = all;
    if (processed === undefined)
      throw new Error(`${functionName} did not say what became of entry ${entry.id}`);
    return { id, ...outcomeOf(processed) };
  };
  try {
    return binding.sideEffectMsMax === undefined ? await run() : await alone(id, run, msMax, deps);
  } catch (error) {
    if (error instanceof LeaseTaken) return { id, status: "left", note: error.message };
    const note = messageOf(error);
    away.set(functionName, note);
    return { id, status: "left", note };
  }
}

/** Retries a letter that is still there when nobody else retries it any more. @throws LeaseTaken */
async function alone(
  id: string,
  run: () => Promise<RetryAttempt>,
  msMax: number,
  { redis, keys, stopping }: RetryDeps,
): Promise<RetryAttempt> {
  const lease = {
    key: keys.lease("dead_letter", id),
    what: IN_USE,
    lifeMs: msMax + LEASE_SPARE_MS,
    waiting: timeLimit(LETTER_MS_MAX, stopping),
  };
  return withLease(redis, lease, async () => {
    const isThere = (await deadLettersOn(redis, keys).get(id)) !== undefined;
    if (!isThere) return { id, status: "gone", note: TAKEN_BY_ANOTHER_CALL };
    return stopping?.aborted === true ? { id, status: "left", note: STOPPING } : run();
  });
}

function outcomeOf(processed: ProcessedEntry): Omit<RetryAttempt, "id"> {
  if (processed.status === "left") return { status: "left", note: processed.error };
  const { outcome, result } = processed;
  switch (outcome) {
    case "fenced":
      return { status: "gone", note: TAKEN_BY_ANOTHER_CALL };
    case "held":
      return { status: "done", note: "it had been dispatched already, and was not again" };
    case "applied":
    case "duplicate": {
      if (result.status === "dead") return { status: "dead", note: `${result.reason}: ${result.error}` };
      const made = committedDecision(processed) ?? committedOutcome(processed);
      return { status: "done", note: noteOf(made), ...(made?.status === "failed" ? { failed: true } : {}) };
    }
  }
}

/** What was recorded: `ignored: stale`. Empty for functions that record nothing. */
function noteOf(made: SignalRecord | OutcomeRecord | undefined): string {
  if (made === undefined) return "";
  return [made.status, ...(made.reason === null ? [] : [made.reason])].join(": ");
}

function publishAttempt(
  { id: deadLetter, raw }: StoredDeadLetter,
  { status, note }: RetryAttempt,
  { invocation, by }: { readonly invocation: string; readonly by: string },
  { events }: RetryDeps,
): void {
  const what = `${raw["function"] ?? "?"} on entry ${raw["entry_id"] ?? "?"} of ${raw["stream"] ?? "?"}`;
  events.publish({
    level: "INFO",
    source: "dead-letters",
    message: `dead letter ${deadLetter} (${what}) was retried by ${by}: ${withNote(status, note)}`,
    details: { dead_letter: deadLetter, by, invocation, status, note },
  });
}

function withNote(status: RetryStatus, note: string): string {
  return note === "" ? status : `${status} (${note})`;
}
