import { createRoute, z } from "@hono/zod-openapi";
import type { Context, Next } from "hono";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import { membersOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, byName, entryIdSchema, json, jsonBody, newRoutes, problems } from "../routes.ts";
import { deadLetterPage } from "./page.ts";
import { deadLetterInUse, noDeadLetter, retryOne, retrySeveral } from "./retry.ts";
import {
  deadLetterSchema,
  pageQuerySchema,
  pageSchema,
  retriedSchema,
  retriedSeveralSchema,
  retryOneSchema,
  retrySeveralSchema,
} from "./schemas.ts";
import { deadLetterView, shortDeadLetterView } from "./view.ts";

/** Entries that were given up on: this room lists them, retries them and discards them, as the command line does. */

const common = { security: BEARER, tags: ["dead letters"] };
const params = z.object({ id: entryIdSchema });
const PAGE_TEXT_BYTES_MAX = 1_024;

const listRoute = createRoute({
  ...common,
  method: "get",
  path: "/dead-letters",
  summary: "Entries that were given up on, page by page",
  request: { query: pageQuerySchema },
  responses: { 200: json(pageSchema, "a page"), ...problems(401, 422, 503) },
});

const showRoute = createRoute({
  ...common,
  method: "get",
  path: "/dead-letters/{id}",
  summary: "One dead letter, with whole values",
  request: { params },
  responses: { 200: json(deadLetterSchema, "the dead letter"), ...problems(401, 404, 422, 503) },
});

const retryRoute = createRoute({
  ...common,
  method: "post",
  path: "/dead-letters/{id}/retry",
  summary: "Run its function on its entry again",
  description:
    "404: it does not exist, or no longer. 409: it can never be retried. 503: it cannot be retried now, because something is unavailable (Postgres, the snapshot) or dispatching is paused.",
  request: { params, body: { ...jsonBody(retryOneSchema), required: false } },
  middleware: refuseOtherTypes,
  responses: {
    200: json(retriedSchema, "the result"),
    ...problems(400, 401, 404, 409, 413, 415, 422, 503),
  },
});

const retrySeveralRoute = createRoute({
  ...common,
  method: "post",
  path: "/dead-letters/retry",
  summary: "Retry several, or all",
  request: { body: jsonBody(retrySeveralSchema) },
  responses: {
    200: json(retriedSeveralSchema, "the result of each"),
    ...problems(400, 401, 413, 415, 422, 503),
  },
});

const discardRoute = createRoute({
  ...common,
  method: "delete",
  path: "/dead-letters/{id}",
  summary: "Discard it; an event keeps its content",
  request: { params, query: membersOf({ by: byName.optional() }, "?by=ann") },
  responses: { 204: { description: "it is discarded" }, ...problems(401, 404, 409, 422, 503) },
});

/** The routes below `/dead-letters`. */
export function deadLetterRoutes({ services }: HttpDeps) {
  const { redis, keys, clock, commit } = services;
  const letters = deadLettersOn(redis, keys);
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { limit, after, order } = c.req.valid("query");
      const { page, next } = await deadLetterPage(letters, {
        countMax: limit,
        newestFirst: order === "newest",
        after,
      });
      const dead_letters = page.map((stored) => shortDeadLetterView(stored, PAGE_TEXT_BYTES_MAX));
      return c.json({ dead_letters, count: await letters.count(), next: next ?? null }, 200);
    })
    .openapi(showRoute, async (c) => {
      const { id } = c.req.valid("param");
      const stored = await letters.get(id);
      if (stored === undefined) throw noDeadLetter(id);
      return c.json(deadLetterView(stored), 200);
    })
    .openapi(retrySeveralRoute, async (c) => {
      const { by, reason, ...letter } = c.req.valid("json");
      const selection = "ids" in letter ? { ids: letter.ids } : { after: letter.after };
      const { summary, attempts, next } = await retrySeveral(selection, { by, reason }, services);
      const { invocation = null, counts } = summary;
      return c.json({ invocation, counts, attempts: [...attempts], next: next ?? null }, 200);
    })
    .openapi(retryRoute, async (c) =>
      c.json(await retryOne(c.req.valid("param").id, c.req.valid("json"), services), 200),
    )
    .openapi(discardRoute, async (c) => {
      const { id } = c.req.valid("param");
      const { by = "http" } = c.req.valid("query");
      const stored = await letters.get(id);
      await clock.sample();
      if (stored === undefined) throw noDeadLetter(id);
      switch (await letters.discard(commit, stored, { by, at: clock.now() })) {
        case "discarded":
          return c.body(null, 204);
        case "gone":
          throw noDeadLetter(id);
        case "in_use":
          throw deadLetterInUse(id);
      }
    });
}

/** An optional body of another content type would be ignored, and with it what the client asks for. */
async function refuseOtherTypes(c: Context, next: Next): Promise<void> {
  const type = c.req.header("content-type");
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    const detail = `the body is ${type.slice(0, 100)}: expected application/json, or no body`;
    throw new Problem({ status: 415, code: "unsupported_media_type", detail });
  }
  await next();
}
