import { createRoute, z } from "@hono/zod-openapi";
import { pauseDispatching, resumeDispatching } from "../../on-demand/pause-dispatching.ts";
import type { Services } from "../../setup/services.ts";
import { membersOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf, strategySchema } from "../named-strategy.ts";
import { BEARER, byName, json, jsonBody, newRoutes, problems } from "../routes.ts";

/** `POST /pause` and `POST /resume`, for one strategy or all of them. */
export function pauseRoutes({ services }: HttpDeps) {
  return newRoutes()
    .openapi(pauseRoute, async (c) =>
      c.json(await pauseDispatching(services, await requestOf(c.req.valid("json"), services)), 200),
    )
    .openapi(resumeRoute, async (c) =>
      c.json(await resumeDispatching(services, await requestOf(c.req.valid("json"), services)), 200),
    );
}

const STRATEGY = "expected the id or name of a strategy, such as 4; GET /strategies lists them";

const body = membersOf(
  {
    strategy: z
      .union([z.int(STRATEGY).positive(STRATEGY), strategySchema], STRATEGY)
      .optional()
      .describe("id or name of a strategy; absent: every strategy"),
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

async function requestOf({ strategy, by = "http" }: z.infer<typeof body>, services: Services) {
  const strategyId = strategy === undefined ? undefined : await strategyIdOf(strategy, services);
  return { strategyId, by, way: "over HTTP" };
}
