import { createRoute, z } from "@hono/zod-openapi";
import { redactUrl } from "../../../shared/config/redact-url.ts";
import { settingsOf } from "../../../shared/config/settings.ts";
import type { HttpDeps } from "../http-deps.ts";
import { json, newRoutes } from "../routes.ts";

/** `GET /settings`, only for the owner of the data folder: which router answers, and what commands need to work with it. */

export const settingsSchema = z
  .object({
    pid: z.int().describe("process id of the router"),
    redis_url: z.string().describe("of the Redis in use; whole, since commands connect to it"),
    database: z.string().nullable().describe("without user and password; null: the embedded one"),
    settings: z.record(z.string(), z.string()).describe("variables that are no secrets, with their defaults"),
  })
  .openapi("Settings");
export type RouterSettings = z.infer<typeof settingsSchema>;

const route = createRoute({
  method: "get",
  path: "/settings",
  tags: ["operations"],
  summary: "Which router this is, and the settings that commands take from it",
  responses: { 200: json(settingsSchema, "the settings") },
});

export function settingsRoutes({ services: { config, redisUrl } }: HttpDeps) {
  const { databaseUrl } = config;
  return newRoutes().openapi(route, (c) =>
    c.json(
      {
        pid: process.pid,
        redis_url: redisUrl,
        database: databaseUrl === undefined ? null : redactUrl(databaseUrl),
        settings: { ...settingsOf(config) },
      },
      200,
    ),
  );
}
