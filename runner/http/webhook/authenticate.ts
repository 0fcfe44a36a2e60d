import type { Context } from "hono";
import { jsonFault } from "../../../shared/signal/json-fault.ts";
import { bearerOf, holderMatcher } from "../auth/credentials.ts";
import { failedAuthLimit } from "../auth/failed-auth-limit.ts";
import { lastSegment } from "../auth/shown-credential.ts";
import { encodingProblem } from "../encoding.ts";
import { BODY_CUT_SHORT, bodyTooLarge, Problem, type ProblemOptions } from "../problem.ts";
import { readBody, type BodyAnswer, type BodyLimits } from "./read-body.ts";
import type { RefusedAlerts } from "./refused-alerts.ts";
import { secretIn } from "./secret-in-body.ts";

/**
 * Accepts requests with a secret of their source and reads their body. @throws Problem 401, or 429 after too many failures, when the
 * secret is missing or wrong; 400, 408 or 413 when the body, which may hold it, cannot be read
 */
export function authenticator(options: AuthenticateOptions): Authenticator {
  const { secrets, limits, addressOf, alerts } = options;
  const holdersOf = holderMatcher(secrets);
  const limited = failedAuthLimit({ addressOf, credential: "secret" });
  const shortLimits = { ...limits, msMax: Math.min(limits.msMax, UNAUTHENTICATED_BODY_MS_MAX) };
  /** Whose secrets these are. All are compared, so that the time does not reveal which one was right. */
  const opened = (given: readonly string[]): ReadonlySet<string> =>
    new Set(given.flatMap((each) => [...holdersOf(each)]));

  const refuseUnauthenticated = async (
    c: Context,
    problem: ProblemOptions,
    body?: string,
  ): Promise<never> => {
    const answer = await limited(c, problem);
    alerts.unauthenticated({ problem: answer.options, client: addressOf(c), body });
    throw answer;
  };

  return {
    async authenticate(c, source) {
      const given = secretsGiven(c);
      if (given.length > 0) {
        const isRight = opened(given).has(source);
        return isRight ? readBody(c.req.raw, limits) : refuseUnauthenticated(c, WRONG);
      }
      const encoded = encodingProblem(c);
      if (encoded !== undefined) return refuseUnauthenticated(c, encoded);
      const body = await readBody(c.req.raw, shortLimits);
      if (body.status !== "read") return refuseUnauthenticated(c, unreadBody(body.status, shortLimits));
      const inBody = secretIn(body.text);
      if (opened(inBody ?? []).has(source)) return body;
      return refuseUnauthenticated(c, inBody === undefined ? missing(body.text) : WRONG, body.text);
    },
    async refuse(c, problem) {
      const last = lastSegment(c.req.path);
      if (opened([...secretsGiven(c), ...(last === undefined ? [] : [last])]).size === 0)
        return refuseUnauthenticated(c, problem);
      alerts.authenticated({ problem, client: addressOf(c) });
      throw new Problem(problem);
    },
    isSecret: (given) => holdersOf(given).size > 0,
  };
}

export interface Authenticator {
  /** The body of a request that has a secret of the source, as its path names it. */
  authenticate(c: Context, source: string): Promise<BodyAnswer>;
  /** Refuses a request for what its method or path is, and reports that as a refused alert. */
  refuse(c: Context, problem: ProblemOptions): Promise<never>;
  /** Whether a text is the secret of any source. */
  readonly isSecret: (given: string | undefined) => boolean;
}

/** Without the secret in path or headers: a body takes a connection, and anyone can send half of one. */
const UNAUTHENTICATED_BODY_MS_MAX = 1_000;

export interface AuthenticateOptions {
  /** Of each source, by its name. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly limits: BodyLimits;
  readonly addressOf: (c: Context) => string | undefined;
  readonly alerts: RefusedAlerts;
}

/** The problem with a body that could not be read. */
export function unreadBody(
  status: Exclude<BodyAnswer["status"], "read">,
  { bytesMax, msMax }: BodyLimits,
): ProblemOptions {
  switch (status) {
    case "too_large":
      return bodyTooLarge(bytesMax);
    case "late":
      return { status: 408, code: "body_late", detail: `the body did not arrive within ${msMax} ms` };
    case "broken_off":
      return { status: 400, code: "body_broken_off", detail: BODY_CUT_SHORT };
  }
}

const WRONG: ProblemOptions = {
  status: 401,
  code: "wrong_secret",
  detail: "the secret is wrong",
  hint: "send it in the path, as `Authorization: Bearer`, as `X-Webhook-Secret` or, without these, as the field `secret` of the body",
  headers: { "www-authenticate": 'Bearer realm="webhook"' },
};
const MISSING: ProblemOptions = { ...WRONG, code: "missing_secret", detail: "the secret is missing" };

/** The problem with a request without the secret; says so when its body could not be searched for it. */
function missing(body: string): ProblemOptions {
  const isJson = /^\s*[[{]/.test(body) && body.length <= SEARCHED_LENGTH_MAX;
  const fault = isJson ? jsonFault(body) : undefined;
  if (fault === undefined) return MISSING;
  // No more than where: what stands there may be the secret.
  const detail = `the secret is neither in the path nor in a header, and the body, which may have it, is no valid JSON from line ${fault.line}, column ${fault.column} on`;
  return { ...MISSING, detail };
}

/** Anyone can send long bodies. */
const SEARCHED_LENGTH_MAX = 10_000;

function secretsGiven({ req }: Context): string[] {
  const given = [req.param("secret"), bearerOf(req.header("authorization")), req.header("x-webhook-secret")];
  return given.filter((secret) => secret !== undefined);
}
