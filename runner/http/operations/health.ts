import { createRoute, z } from "@hono/zod-openapi";
import { singleFlight } from "../../engine/single-flight.ts";
import type { HttpDeps } from "../http-deps.ts";
import { json, newRoutes } from "../routes.ts";
import { healthChecker } from "./health-check.ts";

/** Anybody may ask, without a token, so the answer is looked up once for all who ask within this time. */
const KEPT_MS = 1_000;

const alive = z.object({ status: z.literal("ok") }).openapi("Alive");

const readiness = z
  .object({
    status: z
      .enum(["ready", "degraded", "not_ready"])
      .describe("degraded: signals are decided, something needs a look; not_ready: they are not"),
    reasons: z.array(z.string()).describe("everything that is not as it should be, for people"),
  })
  .openapi("Readiness");

const about = { method: "get" as const, tags: ["operations"], security: [] };

/** `GET /healthz`: the process answers. `GET /readyz`: signals are being decided, or why not. */
export function healthRoutes({ services }: HttpDeps) {
  const observe = singleFlight(healthChecker(services), { keptMs: KEPT_MS });
  const healthz = createRoute({
    ...about,
    path: "/healthz",
    summary: "Whether the process answers",
    responses: { 200: json(alive, "it does; nothing else was looked at") },
  });
  const readyz = createRoute({
    ...about,
    path: "/readyz",
    summary: "Whether signals are being decided, and what is not as it should be",
    responses: {
      200: json(readiness, "they are: `ready` or `degraded`"),
      503: json(readiness, "they are not: `not_ready`"),
    },
  });
  return newRoutes()
    .openapi(healthz, (c) => c.json({ status: "ok" as const }, 200, { "cache-control": "no-store" }))
    .openapi(readyz, async (c) => {
      const { status, reasons } = (await observe()).health;
      const body = { status, reasons: [...reasons] };
      return c.json(body, status === "not_ready" ? 503 : 200, { "cache-control": "no-store" });
    });
}
