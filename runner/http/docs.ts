import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "./routes.ts";

/** Adds `GET /openapi.json`, made of all routes of the app, and `GET /docs`, a page to try them. */
export function addDocs(_app: OpenAPIHono<AppEnv>): void {
  // Filled in by whoever builds the page.
}
