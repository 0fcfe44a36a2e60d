import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** /dead-letters */
export function deadLetterRoutes(_deps: HttpDeps) {
  return newRoutes();
}
