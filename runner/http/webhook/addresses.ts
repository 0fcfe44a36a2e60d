import type { Context } from "hono";
import { lastSegment } from "../auth/shown-credential.ts";
import type { ProblemOptions } from "../problem.ts";

/** The paths of webhooks, and what is answered to requests that nearly have one of them or another method. */

const PATH = "/webhooks/:source";

/** With and without the slash at the end that many people add. */
export const WEBHOOK_PATHS = [PATH, `${PATH}/`, `${PATH}/:secret`, `${PATH}/:secret/`] as const;

/** Whether a path was probably meant for a webhook: slashes may be doubled, and letters in another case. */
export function isLikeWebhook(path: string): boolean {
  return /^\/+webhooks(?:\/|$)/i.test(path);
}

/** Whether a request was probably meant for a webhook: its path is like one, or ends with a secret. */
export function isMeantForWebhook(
  { req }: Context,
  isSecret: (given: string | undefined) => boolean,
): boolean {
  return isLikeWebhook(req.path) || isSecret(lastSegment(req.path));
}

/** Whether a text can be the name of a source. */
export function isSourceName(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,99}$/.test(text);
}

/** The problem with a path that is not one of a webhook; says nothing of the path, which may hold the secret. */
export const WRONG_PATH: ProblemOptions = {
  status: 404,
  code: "no_such_route",
  detail:
    "the path is not a webhook's: expected /webhooks/tradingview/<WEBHOOK_SECRET>, or another source with its own secret, in lower case, with single slashes and nothing after it",
  hint: "correct the URL of the alert: https://<your host>/webhooks/tradingview/<WEBHOOK_SECRET>",
};

/** The problem with a method other than POST. */
export function wrongMethod(method: string): ProblemOptions {
  return {
    status: 405,
    code: "method_not_allowed",
    detail: `the webhook does not accept ${method}, only POST with the alert as body`,
    hint: "a redirect turns POST into GET: use the final URL, with https where it is https",
    headers: { allow: "POST" },
  };
}
