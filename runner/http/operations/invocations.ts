import { createRoute, z } from "@hono/zod-openapi";
import { searchInvocations, type LoggedInvocation } from "../../../shared/io/log/invocation-search.ts";
import { INVOCATION_KINDS } from "../../../shared/records.ts";
import { storable } from "../../../shared/text.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, byName, json, newRoutes, problems } from "../routes.ts";
import { positionSchema, positionText, tooSlow } from "../searching.ts";
import { invocationSchema, invocationsSchema } from "./invocation-schemas.ts";

/** `GET /invocations` and `GET /invocations/{id}`: the runs on demand – replays, retries, posted entries – and who asked for them. */

const common = { method: "get" as const, security: BEARER, tags: ["operations"] };

const listRoute = createRoute({
  ...common,
  path: "/invocations",
  summary: "The runs on demand, page by page",
  request: {
    query: membersOf(
      {
        kind: oneOf(INVOCATION_KINDS).optional(),
        by: byName.optional().describe("who asked for it"),
        limit: integerIn({ what: "a number of runs", min: 1, max: 200, example: 50 }).default(50),
        cursor: positionSchema((id) => id !== "" && storable(id) === id).optional(),
      },
      "?kind=replay&limit=50",
    ),
  },
  responses: { 200: json(invocationsSchema, "a page"), ...problems(401, 422, 503) },
});

const showRoute = createRoute({
  ...common,
  path: "/invocations/{id}",
  summary: "One run on demand",
  request: {
    params: z.object({
      id: textUpTo(200, { what: "the id of a run", example: "0f8fad5b-d9cb-469f-a165-70867728950e" }),
    }),
  },
  responses: { 200: json(invocationSchema, "the run"), ...problems(401, 404, 422, 503) },
});

export function invocationRoutes({ services }: HttpDeps) {
  const { database } = services;
  const narrow = tooSlow("narrow the search with kind or by");
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { limit, cursor, kind, by } = c.req.valid("query");
      const after = cursor && { position: cursor.at, id: cursor.id };
      const search = { kind, by: by === undefined ? undefined : storable(by) };
      const found = await searchInvocations(database, search, { countMax: limit + 1, after }).catch(narrow);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next_cursor = last === undefined ? null : positionText({ at: last.position, id: last.id });
      return c.json({ invocations: page.map(view), next_cursor }, 200);
    })
    .openapi(showRoute, async (c) => {
      const id = storable(c.req.valid("param").id);
      const [found] = await searchInvocations(database, { id }, { countMax: 1 }).catch(narrow);
      if (found === undefined) throw noSuchInvocation(id);
      return c.json(view(found), 200);
    });
}

function view(found: LoggedInvocation): z.infer<typeof invocationSchema> {
  const { position: _, ...invocation } = found;
  const state = invocation.finished_at === null ? "unfinished" : "finished";
  return { ...invocation, state };
}

function noSuchInvocation(id: string): Problem {
  const detail = `the log has no run on demand ${id}`;
  const hint = "GET /invocations lists them; one that has just begun is in the log within a second";
  return new Problem({ status: 404, code: "no_such_invocation", detail, hint });
}
