import type { HttpDeps } from "./app.ts";
import { newRoutes } from "./routes.ts";

/** POST /webhooks/tradingview */
export function webhookRoutes(_deps: HttpDeps) {
  return newRoutes();
}
