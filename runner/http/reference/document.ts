import { createRoute, z } from "@hono/zod-openapi";
import { faultsWithPlaces } from "../../../shared/reference-document/document-places.ts";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { documentJsonSchema } from "../../../shared/reference-document/json-schema.ts";
import { parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { answerEdit, refused } from "./answer.ts";
import type { EditDeps } from "./edit-deps.ts";
import { requiredIfMatch } from "./if-match.ts";
import { optionsIn } from "./options.ts";
import { documentSchema, editAnswerSchema, ifMatchHeaders, putQuerySchema } from "./schemas.ts";

/** `GET /reference/document` and `PUT`: the whole reference as one document, and its JSON Schema. */

const { $schema: _, ...documentBody } = documentJsonSchema();
const common = { security: BEARER, tags: ["reference"] };
const YAML = "application/yaml";
const JSON_SCHEMA = "application/schema+json";

const readRoute = createRoute({
  ...common,
  method: "get",
  path: "/reference/document",
  summary: "The reference as a document, to edit it",
  description:
    "JSON, or YAML with `Accept: application/yaml`. `ETag` is for `If-Match`. `X-Not-In-Document` counts rows that no document can express; YAML names them in comments. While tickers, signals and strategies are another system's, it has aliases and sources only.",
  responses: {
    200: {
      description: "the document",
      content: { ...json(documentSchema, "").content, [YAML]: { schema: { type: "string" } } },
    },
    ...problems(401, 409, 503),
  },
});

const putRoute = createRoute({
  ...common,
  method: "put",
  path: "/reference/document",
  summary: "Replace the reference by a document",
  description:
    "The body is JSON or YAML, whatever its content type. A row stands for the whole row: absent fields are their defaults, lists are replaced. Rows that the document lacks stay without `prune`, and those of `aliases` and `sources` also where it lacks that list. 409: another edit was faster (`reference_changed`), or what would trade more is to be agreed to (`to_agree`).",
  request: {
    query: putQuerySchema,
    headers: ifMatchHeaders,
    body: {
      required: true,
      // No schemas that are checked here: they would have the body read as JSON before its faults are found.
      content: { "application/json": { schema: documentBody }, [YAML]: { schema: { type: "string" } } },
    },
  },
  responses: {
    200: json(editAnswerSchema, "it is done, or was previewed"),
    ...problems(400, 401, 409, 413, 415, 422, 428, 503),
  },
});

const schemaRoute = createRoute({
  ...common,
  method: "get",
  path: "/reference/schema",
  summary: "The JSON Schema of the document, for editors",
  responses: {
    200: {
      description: "the schema",
      content: { [JSON_SCHEMA]: { schema: z.looseObject({}) } },
    },
    ...problems(401),
  },
});

export function documentRoutes({ edits, makeCurrent }: EditDeps) {
  return newRoutes()
    .openapi(schemaRoute, (c) => c.json({ ...documentJsonSchema() }, 200, { "content-type": JSON_SCHEMA }))
    .openapi(readRoute, async (c) => {
      const { document, etag, unreadable, kinds } = await edits.read();
      const asYaml = /\byaml\b/i.test(c.req.header("accept") ?? "");
      const headers = { etag: `"${etag}"`, "x-not-in-document": String(unreadable.length), vary: "accept" };
      if (!asYaml)
        return c.body(formatDocument(document, "json", { kinds }), 200, {
          ...headers,
          "content-type": "application/json",
        });
      const comments = unreadable.map((line) => `# not in this document: ${line}\n`).join("");
      const text = `${comments}${formatDocument(document, "yaml", { kinds })}`;
      return c.body(text, 200, { ...headers, "content-type": YAML });
    })
    .openapi(putRoute, async (c) => {
      const ifMatch = requiredIfMatch(c.req.valid("header")["if-match"]);
      const query = c.req.valid("query");
      const text = await c.req.text();
      const parsed = parseDocument(text);
      if (!parsed.ok) throw refused(parsed.faults);
      const { document } = parsed;
      const prune = query.prune === "true";
      const answer = await edits.apply({ ...optionsIn(query), document, prune, kind: "apply", ifMatch });
      if (answer.status === "refused") throw refused(faultsWithPlaces(text, answer.faults));
      return c.json(await answerEdit(c, answer, makeCurrent), 200);
    });
}
