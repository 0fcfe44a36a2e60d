import type { Context } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { Problem, type ProblemOptions } from "../problem.ts";
import type { AppEnv } from "../routes.ts";
import { clientGroup } from "./client-address.ts";
import { failedAuthCounts } from "./failed-auth-counts.ts";

/**
 * Counts a failed request against its client and returns the problem to answer with: the given one, or 429 beyond the limit.
 * Only failed requests are passed to it, so the limit affects no other.
 */
export function failedAuthLimit({
  addressOf,
  credential,
}: FailedAuthLimitOptions): (c: Context, problem: ProblemOptions) => Promise<Problem> {
  const limit = rateLimiter<AppEnv>({
    windowMs: WINDOW_MS,
    limit: FAILURES_MAX,
    keyGenerator: (c) => clientGroup(addressOf(c)),
    store: failedAuthCounts({ clientsMax: CLIENTS_MAX }),
    // The limiter itself sets Retry-After.
    handler: () => undefined,
  });
  const tooMany: ProblemOptions = {
    status: 429,
    code: "too_many_failures",
    detail: `more than ${FAILURES_MAX} requests per minute from this address had no valid ${credential}`,
    hint: `requests with the valid ${credential} are not limited`,
  };
  return async (c, problem) => {
    let withinLimit = false;
    await limit(c, async () => {
      withinLimit = true;
    });
    return new Problem(withinLimit ? problem : tooMany);
  };
}

const WINDOW_MS = 60_000;
/** Of one client in a minute. */
export const FAILURES_MAX = 30;
/** About 2 MB of counts. */
const CLIENTS_MAX = 10_000;

export interface FailedAuthLimitOptions {
  readonly addressOf: (c: Context) => string | undefined;
  /** What the requests lack: `token`. */
  readonly credential: "token" | "secret";
}
