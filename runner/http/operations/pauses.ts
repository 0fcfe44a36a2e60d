import { createRoute, z } from "@hono/zod-openapi";
import { pauseDispatching, resumeDispatching } from "../../on-demand/pause-dispatching.ts";
import type { HttpDeps } from "../http-deps.ts";
import { BEARER, byName, json, jsonBody, newRoutes, problems } from "../routes.ts";

const request = z
  .strictObject({
    strategy: z.int().positive().optional().describe("id of a strategy; absent: every strategy"),
    by: byName.optional(),
  })
  .openapi("PauseRequest");

const answer = z
  .object({
    message: z.string(),
    /** Set when the current snapshot has no such strategy; the pause holds all the same. */
    warning: z.string().optional(),
  })
  .openapi("PauseAnswer");

/** `POST /pause` and `POST /resume`, for one strategy or all of them. */
export function pauseRoutes({ services }: HttpDeps) {
  const responses = {
    200: json(answer, "it holds for every decision from now on"),
    ...problems(401, 413, 415, 422, 503),
  };
  const about = {
    method: "post" as const,
    security: BEARER,
    tags: ["control"],
    request: { body: { ...jsonBody(request), required: false } },
    responses,
  };
  return newRoutes()
    .openapi(createRoute({ ...about, path: "/pause", summary: "Stop dispatching, at once" }), async (c) => {
      const { strategy, by = "http" } = c.req.valid("json");
      return c.json(await pauseDispatching(services, { strategyId: strategy, by, way: "over HTTP" }), 200);
    })
    .openapi(createRoute({ ...about, path: "/resume", summary: "Take a pause back" }), async (c) => {
      const { strategy, by = "http" } = c.req.valid("json");
      return c.json(await resumeDispatching(services, { strategyId: strategy, by, way: "over HTTP" }), 200);
    });
}
