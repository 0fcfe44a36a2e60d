import type { Context, MiddlewareHandler } from "hono";
import { auth } from "hono/utils/basic-auth";
import type { HttpDeps } from "../http-deps.ts";
import type { AppEnv } from "../routes.ts";
import { clientAddressOf } from "./client-address.ts";
import { bearerOf, secretMatcher } from "./credentials.ts";
import { failedAuthLimit } from "./failed-auth-limit.ts";

/**
 * Lets requests with the token pass, whatever else their address has done, and nobody else. For the pages of the
 * documentation alone the token may also be the password of HTTP Basic, which is what a browser can ask a person for: a
 * browser sends that along with whatever another site makes it request, so it must open nothing that does something.
 */
export function requireToken(deps: HttpDeps): MiddlewareHandler<AppEnv> {
  const isToken = secretMatcher(deps.token);
  const problemAfter = failedAuthLimit({ addressOf: clientAddressOf(deps), missing: "token" });
  return async (c, next) => {
    if (isToken(bearerOf(c.req.header("authorization")))) return next();
    const forBrowsers = isPage(c);
    if (forBrowsers && isToken(auth(c.req.raw)?.password)) return next();
    throw await problemAfter(c, {
      status: 401,
      code: "unauthorized",
      detail: "the token is missing or wrong",
      hint: forBrowsers
        ? "send `Authorization: Bearer <HTTP_TOKEN>`, or any user with the token as password"
        : "send `Authorization: Bearer <HTTP_TOKEN>`",
      headers: { "www-authenticate": `${forBrowsers ? "Basic" : "Bearer"} realm="signal router"` },
    });
  };
}

function isPage({ req: { method, path } }: Context): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && (path === "/docs" || path.startsWith("/docs/") || path === "/openapi.json");
}
