import { EffectsError } from "../../shared/commit.ts";
import type { FailureReporter } from "../telemetry/failure-reporter.ts";
import { retry } from "./retry.ts";

/** Something is away or in the way; the entries are fine. */
export class UnavailableError extends Error {
  override readonly name = "NotNow";
}

/** The function threw, so nothing is known of these entries. */
export class FunctionError extends Error {
  override readonly name = "FunctionThrew";
}

export interface RetryContext {
  readonly reporter: FailureReporter;
  /** From then on what cannot work now is not asked again; a commit is still tried, until `abort`. */
  readonly stopping: AbortSignal;
  /** Ends everything, leaving what is not committed pending. */
  readonly abort: AbortSignal;
}

/** The function's own fault, so trying again at once is no use. */
export function isPermanent(error: unknown): error is FunctionError | EffectsError {
  return error instanceof FunctionError || error instanceof EffectsError;
}

/**
 * Tries again with growing pauses until it works, saying so. What gets through: a function's own error, and,
 * when the process is stopping, that something is away. (p-retry also lets a TypeError through: a flaw of ours.)
 */
export async function retryUntilStopped<T>(
  { abort, stopping, reporter }: RetryContext,
  attempt: () => Promise<T>,
): Promise<T> {
  const result = await retry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 2_000,
    randomize: true,
    signal: abort,
    shouldRetry: ({ error }) =>
      !isPermanent(error) && !(stopping.aborted && error instanceof UnavailableError),
    onFailedAttempt: ({ error }) => {
      if (!isPermanent(error)) reporter.failed(error);
    },
  });
  reporter.recovered();
  return result;
}
