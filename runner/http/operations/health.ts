import { createRoute, z } from "@hono/zod-openapi";
import { singleFlight } from "../../engine/single-flight.ts";
import { membersOf, oneOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { json, newRoutes, problems } from "../routes.ts";
import { healthChecker, intakeChecker } from "./health-check.ts";

/**
 * `GET /healthz`: the process answers. `GET /readyz`: whether signals are decided, `?for=intake`: accepted. This room has the
 * routes for operators: health, metrics, pauses and the reference.
 */
export function healthRoutes({ services }: HttpDeps) {
  const checkHealth = singleFlight(healthChecker(services), { keptMs: CACHE_MS });
  const checkIntake = singleFlight(intakeChecker(services), { keptMs: CACHE_MS });
  return newRoutes()
    .openapi(aliveRoute, (c) => c.json({ status: "ok" as const }, 200, NO_STORE))
    .openapi(readyRoute, async (c) => {
      const isIntake = c.req.valid("query").for === "intake";
      const { status, reasons } = isIntake ? await checkIntake() : (await checkHealth()).health;
      return c.json({ status, reasons: [...reasons] }, status === "not_ready" ? 503 : 200, NO_STORE);
    });
}

/** Anyone may ask, without a token, so one check answers all requests within this time. */
const CACHE_MS = 1_000;
const NO_STORE = { "cache-control": "no-store" };

const alive = z.object({ status: z.literal("ok") }).openapi("Alive");

const readiness = z
  .object({
    status: z
      .enum(["ready", "degraded", "not_ready"])
      .describe(
        "degraded: signals are decided, but something needs attention, such as a pause of everything, dead letters, or a strategy that fails; not_ready: they are not decided, or REDIS_REPLICAS_MIN keeps all of them from being traded",
      ),
    reasons: z
      .array(z.string())
      .describe(
        "everything that needs attention, the worst first, for people: what is wrong, of which strategy or group, and what to do",
      ),
  })
  .openapi("Readiness");

const common = { method: "get" as const, tags: ["operations"], security: [] };

const aliveRoute = createRoute({
  ...common,
  path: "/healthz",
  summary: "Whether the process answers",
  responses: { 200: json(alive, "it does; nothing else was checked") },
});

const readyRoute = createRoute({
  ...common,
  path: "/readyz",
  summary: "Whether signals are decided, or accepted, and what needs attention",
  request: {
    query: membersOf(
      {
        for: oneOf(["intake"])
          .optional()
          .describe(
            "intake: whether signals are accepted, which takes only that Redis, and the replicas that must have them, confirm writes; for a balancer in front of the webhook",
          ),
      },
      "?for=intake",
    ),
  },
  responses: {
    200: json(readiness, "they are: `ready` or `degraded`"),
    503: json(readiness, "they are not: `not_ready`"),
    ...problems(422),
  },
});
