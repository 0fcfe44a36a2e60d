import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** POST /replays */
export function replayRoutes(_deps: HttpDeps) {
  return newRoutes();
}
