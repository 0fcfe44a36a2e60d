import { createRoute, z } from "@hono/zod-openapi";
import { pauseDispatching, resumeDispatching } from "../../on-demand/pause-dispatching.ts";
import { membersOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { BEARER, byName, json, jsonBody, newRoutes, problems } from "../routes.ts";

/** `POST /pause` and `POST /resume`, for one strategy or all of them. */
export function pauseRoutes({ services }: HttpDeps) {
  return newRoutes()
    .openapi(pauseRoute, async (c) =>
      c.json(await pauseDispatching(services, requestOf(c.req.valid("json"))), 200),
    )
    .openapi(resumeRoute, async (c) =>
      c.json(await resumeDispatching(services, requestOf(c.req.valid("json"))), 200),
    );
}

const STRATEGY = "expected the id of a strategy, a whole number such as 4; GET /reference lists them";

const body = membersOf(
  {
    strategy: z
      .int(STRATEGY)
      .positive(STRATEGY)
      .optional()
      .describe("id of a strategy; absent: every strategy"),
    by: byName.optional(),
  },
  '{"strategy": 4, "by": "ann"}',
).openapi("PauseRequest");

const answer = z
  .object({
    message: z.string(),
    /** Set when the current snapshot has no such strategy; the pause holds nevertheless. */
    warning: z.string().optional(),
  })
  .openapi("PauseAnswer");

const common = {
  method: "post" as const,
  security: BEARER,
  tags: ["control"],
  request: { body: { ...jsonBody(body), required: false } },
  responses: {
    200: json(answer, "it holds for every decision from now on"),
    ...problems(401, 413, 415, 422, 503),
  },
};
const pauseRoute = createRoute({ ...common, path: "/pause", summary: "Stop dispatching at once" });
const resumeRoute = createRoute({ ...common, path: "/resume", summary: "Lift a pause" });

function requestOf({ strategy, by = "http" }: z.infer<typeof body>) {
  return { strategyId: strategy, by, way: "over HTTP" };
}
