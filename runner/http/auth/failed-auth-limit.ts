import type { Context } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { Problem, type ProblemOptions } from "../problem.ts";
import type { AppEnv } from "../routes.ts";
import { clientGroup } from "./client-address.ts";
import { failedAuthCounts } from "./failed-auth-counts.ts";

const WINDOW_MS = 60_000;
export const FAILURES_MAX = 30;
/** About 2 MB of counts. */
const CLIENTS_MAX = 10_000;

export interface FailedAuthLimitOptions {
  readonly addressOf: (c: Context) => string | undefined;
  /** What is missing in the requests that are counted: `token`. */
  readonly missing: string;
}

/**
 * Counts a failed request against its client, and gives what to answer: the problem that is given, or 429 from the 31st
 * within a minute on. Ask only for requests that have failed, and the limit never touches any other.
 */
export function failedAuthLimit({
  addressOf,
  missing,
}: FailedAuthLimitOptions): (c: Context, problem: ProblemOptions) => Promise<Problem> {
  const limit = rateLimiter<AppEnv>({
    windowMs: WINDOW_MS,
    limit: FAILURES_MAX,
    keyGenerator: (c) => clientGroup(addressOf(c)),
    store: failedAuthCounts({ clientsMax: CLIENTS_MAX }),
    // It has set Retry-After already.
    handler: () => undefined,
  });
  const tooMany: ProblemOptions = {
    status: 429,
    code: "too_many_failures",
    detail: `more than ${FAILURES_MAX} requests a minute without the right ${missing} from this address`,
    hint: `with the right ${missing} there is no such limit`,
  };
  return async (c, problem) => {
    let withinLimit = false;
    await limit(c, async () => {
      withinLimit = true;
    });
    return new Problem(withinLimit ? problem : tooMany);
  };
}
