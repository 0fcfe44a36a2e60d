import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { METHOD_NAME_ALL } from "hono/router";
import { clientAddressOf } from "./auth/client-address.ts";
import type { HttpDeps } from "./http-deps.ts";
import type { AppEnv } from "./routes.ts";

/** Asked for every few seconds by machines. */
const OFTEN: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * A line of the process log for each request: which route, what came of it, how long until the answer began, and from
 * where. Never the path as it was sent, a header or a body, since secrets come in all of them.
 */
export function accessLog(deps: HttpDeps): MiddlewareHandler<AppEnv> {
  const { logger } = deps.services;
  const addressOf = clientAddressOf(deps);
  return async (c, next) => {
    const startedAt = performance.now();
    await next();
    const route = routeOf(c);
    const line = {
      source: "http",
      request_id: c.get("requestId"),
      method: c.req.method,
      route,
      status: c.res.status,
      duration_ms: Math.round(performance.now() - startedAt),
      client: addressOf(c),
    };
    logger[OFTEN.has(route) ? "debug" : "info"](line, `${line.method} ${route} ${line.status}`);
  };
}

/** The pattern of the route that was asked for, also when something before it refused the request. */
function routeOf(c: Context): string {
  return matchedRoutes(c).find(({ method }) => method !== METHOD_NAME_ALL)?.path ?? "(none)";
}
