import { createRoute } from "@hono/zod-openapi";
import { readTime } from "../../../shared/io/redis/clock.ts";
import { readHolders } from "../../../shared/io/status/holder-status.ts";
import { readHeartbeats } from "../../../shared/io/streams/consumer-heartbeats.ts";
import type { HttpDeps } from "../http-deps.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { routersAnswer, routersView } from "./router-view.ts";

/** `GET /routers`: the routers that run, and what each of them holds. */
export function routerRoutes({ services }: HttpDeps) {
  const { redis, keys } = services;
  return newRoutes().openapi(route, async (c) => {
    const [holding, loops, now] = await Promise.all([
      readHolders(redis, keys),
      readHeartbeats(redis, keys),
      readTime(redis),
    ]);
    return c.json(routersView({ ...holding, loops, now }), 200);
  });
}

const route = createRoute({
  method: "get",
  path: "/routers",
  summary: "The routers that run: what they hold, since when, and how long they have been silent",
  security: BEARER,
  tags: ["operations"],
  responses: { 200: json(routersAnswer, "all of them"), ...problems(401, 503) },
});
