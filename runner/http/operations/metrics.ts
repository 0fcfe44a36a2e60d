import { createRoute, z } from "@hono/zod-openapi";
import { countedMetrics } from "../../telemetry/counter-metrics.ts";
import { buildMetrics, currentMetrics, reachabilityMetrics } from "../../telemetry/current-metrics.ts";
import { METRICS_CONTENT_TYPE, metricsText } from "../../telemetry/metrics-text.ts";
import { strategyMetrics } from "../../telemetry/strategy-metrics.ts";
import type { HttpDeps } from "../http-deps.ts";
import { BEARER, newRoutes, problems } from "../routes.ts";
import { healthChecker } from "./health-check.ts";

/** `GET /metrics`, for Prometheus. While Redis is unavailable it has what is known without it, and `redis_up` 0. */
export function metricsRoutes({ services }: HttpDeps) {
  const checkHealth = healthChecker(services);
  const route = createRoute({
    method: "get",
    path: "/metrics",
    security: BEARER,
    tags: ["operations"],
    summary: "Counters, times, backlog and health as Prometheus text",
    responses: {
      200: {
        description: "Prometheus' text format 0.0.4",
        content: { "text/plain": { schema: z.string() } },
      },
      ...problems(401),
    },
  });
  return newRoutes().openapi(route, async (c) => {
    const check = await checkHealth();
    const { status } = check;
    const families = [...buildMetrics(), ...reachabilityMetrics(check)];
    if (status !== undefined) {
      families.push(...countedMetrics(status), ...currentMetrics(status));
      families.push(...strategyMetrics(status, services.config));
    }
    return c.text(await metricsText(families), 200, { "content-type": METRICS_CONTENT_TYPE });
  });
}
