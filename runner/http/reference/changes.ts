import { createRoute } from "@hono/zod-openapi";
import type { Change } from "../../../shared/io/reference-edits/changes.ts";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { answerEdit } from "./answer.ts";
import type { EditDeps } from "./edit-deps.ts";
import { ifMatchIn } from "./if-match.ts";
import { optionsIn } from "./options.ts";
import {
  changeParams,
  changeQuerySchema,
  changesQuerySchema,
  changesSchema,
  documentSchema,
  editAnswerSchema,
  ifMatchHeaders,
  rollbackQuerySchema,
  shownChangeSchema,
} from "./schemas.ts";

/** `GET /reference/changes` and `POST /reference/rollback`: the history of the reference. */

const common = { security: BEARER, tags: ["reference"] };

const listRoute = createRoute({
  ...common,
  method: "get",
  path: "/reference/changes",
  summary: "What was changed in the reference, page by page",
  request: { query: changesQuerySchema },
  responses: { 200: json(changesSchema, "a page"), ...problems(401, 409, 422, 503) },
});

const showRoute = createRoute({
  ...common,
  method: "get",
  path: "/reference/changes/{id}",
  summary: "One change, and the document after it",
  description:
    "With `since`, `changes` is what differs from the rows after that change, an earlier or a later one.",
  request: { params: changeParams, query: changeQuerySchema },
  responses: { 200: json(shownChangeSchema, "the change"), ...problems(401, 404, 409, 422, 503) },
});

const rollbackRoute = createRoute({
  ...common,
  method: "post",
  path: "/reference/rollback",
  summary: "Make the rows what they were after a change",
  description:
    "A new change with the old rows and ids; it is checked and asked for like any other, removes rows made since, and lifts no pause.",
  request: { query: rollbackQuerySchema, headers: ifMatchHeaders },
  responses: {
    200: json(editAnswerSchema, "it is done, or was previewed"),
    ...problems(401, 404, 409, 422, 503),
  },
});

export function changeRoutes({ edits, makeCurrent }: EditDeps) {
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { limit, before } = c.req.valid("query");
      const page = await edits.history({ countMax: limit, before });
      const last = page.at(-1);
      const next = page.length < limit || last === undefined ? null : last.id;
      return c.json({ changes: page.map(view), next }, 200);
    })
    .openapi(showRoute, async (c) => {
      const { id } = c.req.valid("param");
      const { since } = c.req.valid("query");
      const found = await edits.change(id, since);
      if (found === "no_change") throw noChange(id);
      if (found === "no_since") throw noChange(since);
      const { change, changes, kinds } = found;
      const document = documentSchema.parse(JSON.parse(formatDocument(found.document, "json", { kinds })));
      return c.json({ ...view(change), changes: [...changes], document }, 200);
    })
    .openapi(rollbackRoute, async (c) => {
      const { change: id, ...query } = c.req.valid("query");
      const ifMatch = ifMatchIn(c.req.valid("header")["if-match"]);
      const answer = await edits.rollback(id, { ...optionsIn(query), ifMatch });
      if (answer === undefined) throw noChange(id);
      return c.json(await answerEdit(c, answer, makeCurrent), 200);
    });
}

function view({ versionBefore: version_before, versionAfter: version_after, ...change }: Change) {
  return { ...change, version_before, version_after };
}

function noChange(id: number | undefined): Problem {
  const hint = "GET /reference/changes lists them";
  return new Problem({ status: 404, code: "no_such_change", detail: `there is no change ${id}`, hint });
}
