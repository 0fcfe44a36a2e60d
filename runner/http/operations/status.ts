import { createRoute } from "@hono/zod-openapi";
import { routerStatus } from "../../telemetry/router-status.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { healthChecker } from "./health-check.ts";
import { statusSchema } from "./status-schemas.ts";

/** `GET /status`: what `cli status --json` says. */

const route = createRoute({
  method: "get",
  path: "/status",
  security: BEARER,
  tags: ["operations"],
  summary: "Health, streams, groups, snapshot, strategies, pauses and counters",
  responses: { 200: json(statusSchema, "the state of the router"), ...problems(401, 503) },
});

export function statusRoutes({ services }: HttpDeps) {
  const checkHealth = healthChecker(services);
  return newRoutes().openapi(route, async (c) => {
    const { status, health } = await checkHealth();
    if (status === undefined) throw noStatus(health.reasons);
    return c.json(statusSchema.parse(routerStatus(health, status)), 200);
  });
}

/** The state of the router is in Redis. */
export function noStatus(reasons: readonly string[]): Problem {
  const detail = `the router's state cannot be read: ${reasons.join("; ")}`;
  return new Problem({ status: 503, code: "redis_unavailable", detail, hint: "try again later" });
}
