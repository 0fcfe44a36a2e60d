import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** GET /reference and POST /reference/refresh */
export function referenceRoutes(_deps: HttpDeps) {
  return newRoutes();
}
