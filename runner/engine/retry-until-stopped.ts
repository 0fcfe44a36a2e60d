import { EffectsError } from "../../shared/commit.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Unavailable } from "../../shared/function.ts";
import { redisRefusalIn } from "../../shared/redis-refusal.ts";
import type { FailureReporter } from "../telemetry/failure-reporter.ts";
import { FOR_EVER, retry } from "./retry.ts";

/** Something that is needed is unavailable, or a key is in the way; nothing is wrong with the entries. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";

  static from({ what, error }: Pick<Unavailable, "what" | "error">): UnavailableError {
    return new UnavailableError(`${what} is not available (${error})`);
  }
}

/** Throws a refusal of Redis, such as that it is full, as what it is: nothing is wrong with the entries. Other errors as they are. */
export function throwRefusal(error: unknown): never {
  throw redisRefusalIn(error) === undefined
    ? error
    : new UnavailableError(messageOf(error), { cause: error });
}

/** Another runner holds the group: what this one has read is that one's to process. No failure, so nothing is reported. */
export class DeposedError extends Error {
  override readonly name = "DeposedError";

  constructor() {
    super("another router holds the group");
  }
}

/** The function threw, so nothing is known about these entries. */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
}

/** Who hears of failed attempts, and until when there are more. */
export interface RetryContext {
  readonly reporter: FailureReporter;
  /** From then on what is unavailable is not attempted again; a commit still is, until `abort`. */
  readonly stopping: AbortSignal;
  /** Ends everything, leaving what is not committed pending. */
  readonly abort: AbortSignal;
}

/** The function's own fault: an attempt right after it would fail as well. */
export function isPermanent(error: unknown): error is FunctionError | EffectsError {
  return error instanceof FunctionError || error instanceof EffectsError;
}

function isFinal(error: unknown): boolean {
  return isPermanent(error) || error instanceof DeposedError;
}

/**
 * Attempts it again, after growing pauses and with a report, until it works. What gets through: a function's own error, a deposed
 * holder, and, while the process is stopping, that something is unavailable. (p-retry also lets a TypeError through: a fault of ours.)
 */
export async function retryUntilStopped<T>(
  { abort, stopping, reporter }: RetryContext,
  attempt: () => Promise<T>,
): Promise<T> {
  const result = await retry(attempt, {
    ...FOR_EVER,
    signal: abort,
    shouldRetry: ({ error }) => !isFinal(error) && !(stopping.aborted && error instanceof UnavailableError),
    onFailedAttempt: ({ error }) => {
      if (!isFinal(error)) reporter.failed(error);
    },
  });
  reporter.recovered();
  return result;
}
