import { EffectsError } from "../../shared/io/commit/append-shape.ts";
import type { Trouble } from "../telemetry/failure-reporter.ts";
import { firstTry } from "./retry.ts";

/** Something is away or in the way; the entries are fine. */
export class NotNow extends Error {
  override readonly name = "NotNow";
}

/** The function threw, so nothing is known of these entries. */
export class FunctionThrew extends Error {
  override readonly name = "FunctionThrew";
}

export interface Persistence {
  readonly trouble: Trouble;
  /** From then on what cannot work now is not asked again; a commit is still tried, until `abort`. */
  readonly stopping: AbortSignal;
  /** Ends everything, leaving what is not committed pending. */
  readonly abort: AbortSignal;
}

/** The function's own fault, so trying again at once is no use. */
export function isFlaw(error: unknown): error is FunctionThrew | EffectsError {
  return error instanceof FunctionThrew || error instanceof EffectsError;
}

/**
 * Tries again with growing pauses until it works, saying so. What gets through: a function's own error, and,
 * when the process is stopping, that something is away. (p-retry also lets a TypeError through: a flaw of ours.)
 */
export async function keepTrying<T>(
  { abort, stopping, trouble }: Persistence,
  attempt: () => Promise<T>,
): Promise<T> {
  const result = await firstTry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 2_000,
    randomize: true,
    signal: abort,
    shouldRetry: ({ error }) => !isFlaw(error) && !(stopping.aborted && error instanceof NotNow),
    onFailedAttempt: ({ error }) => {
      if (!isFlaw(error)) trouble.failed(error);
    },
  });
  trouble.over();
  return result;
}
