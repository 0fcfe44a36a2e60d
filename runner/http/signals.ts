import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** GET /signals, /signals/{uid} and /entries/{id} */
export function signalRoutes(_deps: HttpDeps) {
  return newRoutes();
}
