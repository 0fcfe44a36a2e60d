import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { METHOD_NAME_ALL } from "hono/router";
import { clientAddressOf } from "./auth/client-address.ts";
import type { AppDeps } from "./http-deps.ts";
import type { AppEnv } from "./routes.ts";

/**
 * Writes a line to the process log for each request: route, status, time until the answer began, and client address. The
 * path as sent, headers and bodies are left out, because each of them can hold a secret.
 */
export function accessLog(deps: AppDeps): MiddlewareHandler<AppEnv> {
  const { logger } = deps.services;
  const clientOf = "token" in deps ? clientAddressOf(deps) : () => deps.askedBy;
  return async (c, next) => {
    const startedAt = performance.now();
    await next();
    const route = routePattern(c);
    const line = {
      source: "http",
      request_id: c.get("requestId"),
      method: c.req.method,
      route,
      status: c.res.status,
      duration_ms: Math.round(performance.now() - startedAt),
      client: clientOf(c),
    };
    logger[POLLED.has(route) ? "debug" : "info"](line, `${line.method} ${route} ${line.status}`);
  };
}

/** Requested every few seconds by machines, or before each command. */
const POLLED: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics", "/settings"]);

/** The pattern of the requested route, also when the request was refused before it reached the route. */
function routePattern(c: Context): string {
  return matchedRoutes(c).find(({ method }) => method !== METHOD_NAME_ALL)?.path ?? "(none)";
}
