import type { Context } from "hono";
import { auth } from "hono/utils/basic-auth";
import { tryDecode } from "hono/utils/url";
import { bearerOf, holderMatcher, secretMatcher } from "./credentials.ts";

/**
 * Whether the path or the headers of a request show the token or a secret of a webhook, which is known before its body is read.
 * It admits nobody: each route still checks what it asks for.
 */
export function shownCredential({ token, secrets }: ExpectedCredentials): (c: Context) => boolean {
  const isToken = secretMatcher(token);
  const holdersOf = holderMatcher(secrets);
  const isSecret = (given: string | undefined): boolean => holdersOf(given).size > 0;
  return (c) => {
    const bearer = bearerOf(c.req.header("authorization"));
    if (isToken(bearer) || isSecret(bearer) || isSecret(c.req.header("x-webhook-secret"))) return true;
    return isToken(auth(c.req.raw)?.password) || isSecret(lastSegment(c.req.path));
  };
}

export interface ExpectedCredentials {
  /** HTTP_TOKEN */
  readonly token: string;
  /** Those of webhooks, by the name of the source. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
}

/** The last part of a path that is not empty, decoded: the place of the webhook's secret. */
export function lastSegment(path: string): string | undefined {
  const segment = path.split("/").findLast((part) => part !== "");
  return segment === undefined ? undefined : tryDecode(segment, decodeURIComponent);
}
