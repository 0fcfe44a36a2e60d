import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** POST /functions/{name}, its /poll, and POST /tick */
export function functionRoutes(_deps: HttpDeps) {
  return newRoutes();
}
