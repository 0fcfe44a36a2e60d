import { createRoute, z } from "@hono/zod-openapi";
import type { Edit, EditAnswer } from "../../../shared/io/reference-edits/edit.ts";
import type { ReadDocument } from "../../../shared/io/reference-edits/reference-edits.ts";
import {
  DOCUMENT_KINDS,
  fieldsOf,
  NAME_FIELD,
  oneOf,
  type DocumentKind,
} from "../../../shared/reference-document/document-fields.ts";
import type { DocumentFault, ReferenceDocument } from "../../../shared/reference-document/document.ts";
import {
  noRowText,
  withChanges,
  withoutRow,
  withRow,
  type EditedDocument,
} from "../../../shared/reference-document/edit-one.ts";
import { documentFromJson } from "../../../shared/reference-document/parse-document.ts";
import { excerpt, printable } from "../../../shared/text.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, jsonBody, newRoutes, problems } from "../routes.ts";
import { answerEdit, refused } from "./answer.ts";
import type { EditDeps } from "./edit-deps.ts";
import { ifMatchIn } from "./if-match.ts";
import { optionsIn } from "./options.ts";
import { editAnswerSchema, editQuerySchema, ifMatchHeaders, kindParams, rowParams } from "./schemas.ts";

/** `POST`, `PATCH` and `DELETE` below `/reference/{kind}`: one ticker, signal, strategy, alias or source. */

/** The fields of all kinds: which of them a row may have depends on the kind, and is checked with the document. */
const properties = Object.fromEntries(
  DOCUMENT_KINDS.flatMap((kind) =>
    [...fieldsOf(kind)].map(([name, { about, example }]) => [name, { description: about, example }]),
  ),
);
const row = z.looseObject({}).openapi("ReferenceRow", { properties });
const common = { security: BEARER, tags: ["reference"] };
const request = { query: editQuerySchema, headers: ifMatchHeaders };
const done = json(editAnswerSchema, "it is done, or was previewed");

const addRoute = createRoute({
  ...common,
  method: "post",
  path: "/reference/{kind}",
  summary: "Add a ticker, a signal, a strategy, an alias or a source",
  request: { ...request, params: kindParams, body: jsonBody(row) },
  responses: { 200: done, ...problems(400, 401, 409, 413, 415, 422, 503) },
});

const changeRoute = createRoute({
  ...common,
  method: "patch",
  path: "/reference/{kind}/{name}",
  summary: "Change the given fields of a row, its name too",
  request: { ...request, params: rowParams, body: jsonBody(row) },
  responses: { 200: done, ...problems(400, 401, 404, 409, 413, 415, 422, 503) },
});

const removeRoute = createRoute({
  ...common,
  method: "delete",
  path: "/reference/{kind}/{name}",
  summary: "Remove a row; a strategy with tasks in flight is archived instead",
  request: { ...request, params: rowParams },
  responses: { 200: done, ...problems(401, 404, 409, 422, 503) },
});

/** Between reading and writing others may write; without If-Match such an edit is made again on what there is then. */
const TRIES_MAX = 5;

export function rowRoutes({ edits, makeCurrent }: EditDeps) {
  /** Edits the document as it is now, again when another edit was faster. */
  async function editing(
    kind: DocumentKind,
    options: Omit<Edit, "document" | "prune" | "kind">,
    edit: (read: ReadDocument) => RowEdit,
  ): Promise<EditAnswer> {
    for (let tries = 1; ; tries += 1) {
      const read = await edits.read();
      if (read.notOwn !== undefined && !read.kinds.includes(kind))
        throw new Problem({ status: 409, code: "reference_not_own", detail: read.notOwn });
      const ifMatch = options.ifMatch ?? read.etag;
      const { document, prefix } = edit(read);
      const answer = await edits.apply({ ...options, ifMatch, document, prune: false, kind: "edit" });
      if (answer.status === "refused") return { ...answer, faults: faultsWithin(answer.faults, prefix) };
      if (answer.status !== "conflict" || options.ifMatch !== undefined || tries === TRIES_MAX) return answer;
    }
  }

  return newRoutes()
    .openapi(addRoute, async (c) => {
      const { kind } = c.req.valid("param");
      const ifMatch = ifMatchIn(c.req.valid("header")["if-match"]);
      const answer = await editing(kind, { ...optionsIn(c.req.valid("query")), ifMatch }, ({ document }) => {
        const fields = c.req.valid("json");
        const edited = withRow(document, kind, fields);
        if (edited === undefined) throw taken(kind, String(fields[NAME_FIELD[kind]]));
        return documentOf(edited, kind);
      });
      return c.json(await answerEdit(c, answer, makeCurrent), 200);
    })
    .openapi(changeRoute, async (c) => {
      const { kind, name } = c.req.valid("param");
      const ifMatch = ifMatchIn(c.req.valid("header")["if-match"]);
      const changes = c.req.valid("json");
      const answer = await editing(kind, { ...optionsIn(c.req.valid("query")), ifMatch }, (read) => {
        const edited = withChanges(read.document, { kind, name, changes });
        if (edited === undefined) throw noRow(kind, name, read);
        return documentOf(edited, kind);
      });
      return c.json(await answerEdit(c, answer, makeCurrent), 200);
    })
    .openapi(removeRoute, async (c) => {
      const { kind, name } = c.req.valid("param");
      const ifMatch = ifMatchIn(c.req.valid("header")["if-match"]);
      const options = { ...optionsIn(c.req.valid("query")), ifMatch, removes: [{ kind, name }] };
      const answer = await editing(kind, options, (read) => {
        const document = withoutRow(read.document, kind, name);
        if (document === undefined) throw noRow(kind, name, read);
        return { document, prefix: "" };
      });
      return c.json(await answerEdit(c, answer, makeCurrent), 200);
    });
}

interface RowEdit {
  readonly document: ReferenceDocument;
  /** Of the paths of faults in the row, which the client knows without it. */
  readonly prefix: string;
}

function documentOf({ json: edited, at }: EditedDocument, kind: DocumentKind): RowEdit {
  const prefix = `${kind}[${at}].`;
  const parsed = documentFromJson(edited);
  if (parsed.ok) return { document: parsed.document, prefix };
  throw refused(faultsWithin(parsed.faults, prefix));
}

function faultsWithin(faults: readonly DocumentFault[], prefix: string): readonly DocumentFault[] {
  const within = (path: string): string => (path.startsWith(prefix) ? path.slice(prefix.length) : path);
  return faults.map((fault) => ({ ...fault, path: within(fault.path) }));
}

function taken(kind: DocumentKind, name: string): Problem {
  const detail = `there is ${oneOf(kind)} ${printable(excerpt(name))} already`;
  const hint = `PATCH /reference/${kind}/{name} changes it`;
  return new Problem({ status: 409, code: "exists", detail, hint });
}

function noRow(kind: DocumentKind, name: string, { document, unreadable }: ReadDocument): Problem {
  const issues = unreadable.map((message) => ({ path: "", message }));
  return new Problem({
    status: 404,
    code: "no_such_row",
    detail: noRowText(document, kind, name),
    hint: "GET /reference/document has all names",
    ...(issues.length === 0 ? {} : { issues }),
  });
}
