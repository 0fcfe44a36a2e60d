import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** GET /healthz and /readyz */
export function healthRoutes(_deps: HttpDeps) {
  return newRoutes();
}
