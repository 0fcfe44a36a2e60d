import type { Context } from "hono";
import { jsonFault } from "../../../shared/signal/json-fault.ts";
import { parseObject } from "../../../shared/signal/tradingview-alert.ts";
import { bearerOf, secretMatcher } from "../auth/credentials.ts";
import { failedAuthLimit } from "../auth/failed-auth-limit.ts";
import { lastSegment } from "../auth/shown-credential.ts";
import { encodingProblem } from "../encoding.ts";
import { BODY_CUT_SHORT, bodyTooLarge, Problem, type ProblemOptions } from "../problem.ts";
import { readBody, type BodyAnswer, type BodyLimits } from "./read-body.ts";
import type { RefusedAlerts } from "./refused-alerts.ts";

/**
 * Accepts requests with the right secret and reads their body. @throws Problem 401, or 429 after too many failures, when the
 * secret is missing or wrong; 400, 408 or 413 when the body, which may hold it, cannot be read
 */
export function authenticator(options: AuthenticateOptions): Authenticator {
  const { secret, limits, addressOf, alerts } = options;
  const isSecret = secretMatcher(secret);
  const limited = failedAuthLimit({ addressOf, credential: "secret" });
  const shortLimits = { ...limits, msMax: Math.min(limits.msMax, UNAUTHENTICATED_BODY_MS_MAX) };
  // All are compared, so that the time does not reveal which one was right.
  const isRight = (given: readonly string[]): boolean => given.map(isSecret).includes(true);

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
    async authenticate(c) {
      const given = secretsGiven(c);
      if (given.length > 0) {
        return isRight(given) ? readBody(c.req.raw, limits) : refuseUnauthenticated(c, WRONG);
      }
      const encoded = encodingProblem(c);
      if (encoded !== undefined) return refuseUnauthenticated(c, encoded);
      const body = await readBody(c.req.raw, shortLimits);
      if (body.status !== "read") return refuseUnauthenticated(c, unreadBody(body.status, shortLimits));
      const inBody = parseObject(body.text)?.["secret"];
      if (isSecret(typeof inBody === "string" ? inBody : undefined)) return body;
      return refuseUnauthenticated(c, inBody === undefined ? missing(body.text) : WRONG, body.text);
    },
    async refuse(c, problem) {
      const last = lastSegment(c.req.path);
      if (!isRight([...secretsGiven(c), ...(last === undefined ? [] : [last])]))
        return refuseUnauthenticated(c, problem);
      alerts.authenticated({ problem, client: addressOf(c) });
      throw new Problem(problem);
    },
  };
}

export interface Authenticator {
  /** The body of a request that has the right secret. */
  authenticate(c: Context): Promise<BodyAnswer>;
  /** Refuses a request for what its method or path is, and reports that as a refused alert. */
  refuse(c: Context, problem: ProblemOptions): Promise<never>;
}

/** Without the secret in path or headers: a body takes a connection, and anyone can send half of one. */
const UNAUTHENTICATED_BODY_MS_MAX = 1_000;

export interface AuthenticateOptions {
  /** WEBHOOK_SECRET */
  readonly secret: string;
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
  const fault = body.trim() === "" || body.length > SEARCHED_LENGTH_MAX ? undefined : jsonFault(body);
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
