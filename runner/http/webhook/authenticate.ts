import type { Context } from "hono";
import { parseObject } from "../../../shared/signal/tradingview-alert.ts";
import { bearerOf, secretMatcher } from "../auth/credentials.ts";
import { failedAuthLimit } from "../auth/failed-auth-limit.ts";
import type { ProblemOptions } from "../problem.ts";
import { readBody, type BodyAnswer, type BodyLimits } from "./read-body.ts";
import type { RefusedAlerts } from "./refused-alerts.ts";

export interface AuthenticateOptions {
  /** WEBHOOK_SECRET */
  readonly secret: string;
  readonly limits: BodyLimits;
  readonly addressOf: (c: Context) => string | undefined;
  readonly alerts: RefusedAlerts;
}

/**
 * Lets in requests with the right secret, whatever else their address has done, and reads their body. The body of one
 * that shows a wrong secret is not read.
 * @throws Problem 401, or 429 when the address has failed too often; 408 or 413 when the secret could only have been in
 * a body that could not be read.
 */
export function authenticate(options: AuthenticateOptions): (c: Context) => Promise<BodyAnswer> {
  const { secret, limits, addressOf, alerts } = options;
  const isSecret = secretMatcher(secret);
  const problemAfter = failedAuthLimit({ addressOf, missing: "secret" });

  const turnAway = async (c: Context, problem: ProblemOptions, body?: string): Promise<never> => {
    const answer = await problemAfter(c, problem);
    alerts.stranger({ problem: answer.options, client: addressOf(c), body });
    throw answer;
  };

  return async (c) => {
    const shown = secretsShown(c);
    if (shown.length > 0) {
      // All are compared, so that the time does not tell which one was right.
      const right = shown.map(isSecret).includes(true);
      return right ? readBody(c.req.raw, limits) : turnAway(c, WRONG);
    }
    const body = await readBody(c.req.raw, limits);
    if (body.status !== "read") return turnAway(c, malformed(body.status, limits));
    const inBody = parseObject(body.text)?.["secret"];
    if (isSecret(typeof inBody === "string" ? inBody : undefined)) return body;
    return turnAway(c, inBody === undefined ? MISSING : WRONG, body.text);
  };
}

/** What is wrong with a body that could not be read. */
export function malformed(
  status: Exclude<BodyAnswer["status"], "read">,
  { bytesMax, msMax }: BodyLimits,
): ProblemOptions {
  switch (status) {
    case "too_large":
      return {
        status: 413,
        code: "body_too_large",
        detail: `the body is larger than HTTP_BODY_BYTES_MAX, ${bytesMax} bytes`,
      };
    case "late":
      return {
        status: 408,
        code: "body_late",
        detail: `the body was not there within ${msMax} ms of the request`,
      };
    case "broken_off":
      return {
        status: 400,
        code: "body_broken_off",
        detail: "the connection broke before the body was there",
      };
  }
}

const HINT =
  "the secret goes into the path, `Authorization: Bearer`, `X-Webhook-Secret` or, without these, a field `secret` of the body";
const WRONG: ProblemOptions = {
  status: 401,
  code: "wrong_secret",
  detail: "the secret is wrong",
  hint: HINT,
  headers: { "www-authenticate": 'Bearer realm="webhook"' },
};
const MISSING: ProblemOptions = {
  ...WRONG,
  code: "missing_secret",
  detail: "there is no secret",
};

function secretsShown(c: Context): string[] {
  const { req } = c;
  const places = [req.param("secret"), bearerOf(req.header("authorization")), req.header("x-webhook-secret")];
  return places.filter((place) => place !== undefined);
}
