import { createRoute, z } from "@hono/zod-openapi";
import type { Context, Next } from "hono";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, byName, entryIdSchema, json, jsonBody, newRoutes, problems } from "../routes.ts";
import { deadLetterPage } from "./page.ts";
import { deadLetterInUse, noDeadLetter, retryOne, retrySome } from "./retry.ts";
import {
  deadLetterSchema,
  pageQuerySchema,
  pageSchema,
  retriedSchema,
  retriedSomeSchema,
  retryOneSchema,
  retrySomeSchema,
} from "./schemas.ts";
import { deadLetterView, shortDeadLetterView } from "./view.ts";

const about = { security: BEARER, tags: ["dead letters"] };
const params = z.object({ id: entryIdSchema });
const PAGE_TEXT_BYTES_MAX = 1_024;

const listRoute = createRoute({
  ...about,
  method: "get",
  path: "/dead-letters",
  summary: "Entries given up on, page by page",
  request: { query: pageQuerySchema },
  responses: { 200: json(pageSchema, "a page"), ...problems(401, 422, 503) },
});

const showRoute = createRoute({
  ...about,
  method: "get",
  path: "/dead-letters/{id}",
  summary: "One of them, whole",
  request: { params },
  responses: { 200: json(deadLetterSchema, "the dead letter"), ...problems(401, 404, 422, 503) },
});

const retryRoute = createRoute({
  ...about,
  method: "post",
  path: "/dead-letters/{id}/retry",
  summary: "Run its function on its entry again",
  description:
    "404 when it is not there (any more). When it had to be left where it is: 409 if no other try can end otherwise, 503 if something it needs is away or in the way (Postgres, the snapshot, a pause).",
  request: { params, body: { ...jsonBody(retryOneSchema), required: false } },
  middleware: jsonOrNothing,
  responses: {
    200: json(retriedSchema, "what became of it"),
    ...problems(400, 401, 404, 409, 413, 415, 422, 503),
  },
});

const retrySomeRoute = createRoute({
  ...about,
  method: "post",
  path: "/dead-letters/retry",
  summary: "Retry several, or all",
  request: { body: jsonBody(retrySomeSchema) },
  responses: {
    200: json(retriedSomeSchema, "what became of each"),
    ...problems(400, 401, 413, 415, 422, 503),
  },
});

const discardRoute = createRoute({
  ...about,
  method: "delete",
  path: "/dead-letters/{id}",
  summary: "Throw it away for good; an event keeps what it was",
  request: { params, query: z.strictObject({ by: byName.optional() }) },
  responses: { 204: { description: "it is gone" }, ...problems(401, 404, 409, 422, 503) },
});

/** `/dead-letters`: look at them, retry them, discard them, as on the command line. */
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
    .openapi(retrySomeRoute, async (c) => {
      const { by, reason, ...letter } = c.req.valid("json");
      const which = "ids" in letter ? { ids: letter.ids } : { after: letter.after };
      const { summary, attempts, next } = await retrySome(which, { by, reason }, services);
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

/** A body nobody has to send is not looked at when it says to be something else, which would lose what it says. */
async function jsonOrNothing(c: Context, next: Next): Promise<void> {
  const type = c.req.header("content-type");
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    const detail = `the body is ${type.slice(0, 100)}, expected application/json or no body`;
    throw new Problem({ status: 415, code: "unsupported_media_type", detail });
  }
  await next();
}
