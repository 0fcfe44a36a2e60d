import type { Context, MiddlewareHandler } from "hono";
import { auth } from "hono/utils/basic-auth";
import type { NetworkDeps } from "../http-deps.ts";
import type { AppEnv } from "../routes.ts";
import { clientAddressOf } from "./client-address.ts";
import { bearerOf, secretMatcher } from "./credentials.ts";
import { failedAuthLimit } from "./failed-auth-limit.ts";

/**
 * Refuses requests without the token. This room checks tokens and secrets, finds out which client a request came from, and
 * limits how often it may fail.
 */
export function requireToken(deps: NetworkDeps): MiddlewareHandler<AppEnv> {
  const isToken = secretMatcher(deps.token);
  const problemAfter = failedAuthLimit({ addressOf: clientAddressOf(deps), credential: "token" });
  return async (c, next) => {
    if (isToken(bearerOf(c.req.header("authorization")))) return next();
    const isBasicAllowed = isPage(c);
    if (isBasicAllowed && isToken(auth(c.req.raw)?.password)) return next();
    throw await problemAfter(c, {
      status: 401,
      code: "unauthorized",
      detail: "the token is missing or wrong",
      hint: isBasicAllowed
        ? "send `Authorization: Bearer <HTTP_TOKEN>`, or any user with the token as password"
        : "send `Authorization: Bearer <HTTP_TOKEN>`",
      headers: { "www-authenticate": `${isBasicAllowed ? "Basic" : "Bearer"} realm="signal router"` },
    });
  };
}

/**
 * The documentation, for which the token may also be the password of HTTP Basic. Browsers send that with requests made by
 * other sites too, so no route that changes something may accept it.
 */
function isPage({ req: { method, path } }: Context): boolean {
  const isReading = method === "GET" || method === "HEAD";
  return isReading && (path === "/docs" || path.startsWith("/docs/") || path === "/openapi.json");
}
