import type { Config } from "../../shared/config/config.ts";
import type { DeadLetter, StoredDeadLetter } from "../../shared/dead-letter.ts";
import { messageOf } from "../../shared/error-message.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import { bindingTo, type BindingDeps } from "../bindings/all-bindings.ts";
import type { Binding, TaskRetryOptions } from "../engine/binding.ts";
import { RUNS_NO_TASKS, shadowRefusal } from "../engine/shadow-refused.ts";
import { LeaseTaken } from "./exclusive-lease.ts";
import { beginInvocation, type Invocation } from "./invocation.ts";
import {
  runDeadLetter,
  STOPPING,
  type AttemptResult,
  type RetryStatus,
  type RunDeps,
} from "./run-dead-letter.ts";

/**
 * Runs the original functions on the entries of dead letters, one at a time, as one invocation. Nothing is added to the
 * streams the entries came from.
 */
export async function retryDeadLetters(request: RetryRequest, deps: RetryDeps): Promise<RetrySummary> {
  const { letters, requestedBy, reason = null, onAttempt } = request;
  const selection = { dead_letters: letters };
  const counts = { done: 0, dead: 0, left: 0, gone: 0 };
  const unavailable = new Map<string, string>();
  let begun: Invocation | undefined;
  for await (const stored of deadLettersOn(deps.redis, deps.keys).chosen(letters)) {
    let attempt: RetryAttempt;
    if (typeof stored === "string") {
      attempt = { id: stored, status: "gone", note: NOT_THERE };
    } else {
      begun ??= await beginInvocation({ kind: "dead_letter", requestedBy, reason, selection }, deps);
      attempt = await retryLetter(stored, { invocation: begun.id, unavailable }, deps);
      publishAttempt(stored, attempt, { invocation: begun.id, by: requestedBy }, deps);
    }
    counts[attempt.status] += 1;
    onAttempt?.(attempt);
  }
  await begun?.finish(counts);
  return { invocation: begun?.id, counts };
}

export interface RetryRequest {
  /** Ids of dead letters, retried in this order, or all that are there now, oldest first. */
  readonly letters: "all" | readonly string[];
  readonly requestedBy: string;
  readonly reason?: string | undefined;
  /** Called after each dead letter. */
  readonly onAttempt?: (attempt: RetryAttempt) => void;
}

export interface RetryDeps extends RunDeps {
  readonly config: Pick<Config, "shadow">;
  /** See {@link retryBinding}. */
  readonly bindingFor: (letter: DeadLetter, invocation: string) => Binding | undefined;
}

/**
 * Finds the binding for the entry of a dead letter; undefined when this version has no such function for its stream.
 * `retriedAt`: the age of a task counts from there.
 */
export function retryBinding(
  deps: BindingDeps,
  { retriedAt }: Pick<TaskRetryOptions, "retriedAt"> = {},
): RetryDeps["bindingFor"] {
  return (letter, invocation) =>
    bindingTo(letter, deps, {
      invocation,
      retry: { id: invocation, retriedAt },
      whilePaused: "wait",
      attempt: letter.deliveries + 1,
    });
}

/** What became of one dead letter. */
export interface RetryAttempt extends AttemptResult {
  readonly id: string;
}

export interface RetrySummary {
  /** Id of the invocation; undefined when there was nothing to retry, which is not recorded. */
  readonly invocation: string | undefined;
  readonly counts: Readonly<Record<RetryStatus, number>>;
}

export const RETRIES_NO_TASKS = shadowRefusal(RUNS_NO_TASKS);
export const NOT_THERE = "there is no dead letter with this id";

interface RetryProgress {
  readonly invocation: string;
  /** Why a function cannot work now, by name: its other dead letters are left without an attempt. */
  readonly unavailable: Map<string, string>;
}

async function retryLetter(
  stored: StoredDeadLetter,
  { invocation, unavailable }: RetryProgress,
  deps: RetryDeps,
): Promise<RetryAttempt> {
  const { id } = stored;
  const left = (note: string): RetryAttempt => ({ id, status: "left", note });
  if (!stored.ok) return left(`it cannot be read: ${stored.fault}`);
  if (deps.stopping?.aborted === true) return left(STOPPING);
  const { letter } = stored;
  const { functionName, stream } = letter;
  if (letter.reason === "entry_deleted") return left("its fields are lost: discard it");
  if (deps.config.shadow && functionName === "execute-strategies") return left(RETRIES_NO_TASKS);
  const binding = deps.bindingFor(letter, invocation);
  if (binding === undefined) return left(`this router has no function ${functionName} for stream ${stream}`);
  const known = unavailable.get(functionName);
  if (known !== undefined) return left(known);
  try {
    return { id, ...(await runDeadLetter(binding, letter, deps)) };
  } catch (error) {
    const note = messageOf(error);
    if (!(error instanceof LeaseTaken)) unavailable.set(functionName, note);
    return left(note);
  }
}

function publishAttempt(
  { id: deadLetter, raw }: StoredDeadLetter,
  { status, note }: RetryAttempt,
  { invocation, by }: { readonly invocation: string; readonly by: string },
  { events }: RetryDeps,
): void {
  const what = `${raw["function"] ?? "?"} on entry ${raw["entry_id"] ?? "?"} of ${raw["stream"] ?? "?"}`;
  const result = note === "" ? status : `${status} (${note})`;
  events.publish({
    level: "INFO",
    source: "dead-letters",
    message: `dead letter ${deadLetter} (${what}) was retried by ${by}: ${result}`,
    details: { dead_letter: deadLetter, by, invocation, status, note },
  });
}
