import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** GET /metrics */
export function metricsRoutes(_deps: HttpDeps) {
  return newRoutes();
}
