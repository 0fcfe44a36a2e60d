import { createRoute, z } from "@hono/zod-openapi";
import { canonicalEntryId } from "../../../shared/entry-range.ts";
import { searchExecutions } from "../../../shared/io/log/executions-search.ts";
import { retryExecution, type RetriedExecution } from "../../on-demand/retry-execution.ts";
import { executionsOf, RetryRefused } from "../../on-demand/retry-state.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf } from "../named-strategy.ts";
import { meantSymbol } from "../named-symbol.ts";
import { Problem } from "../problem.ts";
import { BEARER, entryIdSchema, json, jsonBody, newRoutes, problems } from "../routes.ts";
import { CURSOR_TEXT, tooSlow } from "../searching.ts";
import { executionCursor, parseExecutionCursor } from "./cursor.ts";
import { executionsQuerySchema } from "./query.ts";
import {
  entryExecutionsSchema,
  foundExecutionsSchema,
  retriedExecutionSchema,
  retryRequestSchema,
} from "./schemas.ts";
import { entryExecutionsView } from "./view.ts";

/** This room lists what tasks came to, and runs those again that ended `failed` or `ignored`. */

const common = { security: BEARER, tags: ["executions"] };
const params = z.object({ entry: entryIdSchema });

const listRoute = createRoute({
  ...common,
  method: "get",
  path: "/executions",
  summary: "What tasks came to, page by page",
  request: { query: executionsQuerySchema },
  responses: { 200: json(foundExecutionsSchema, "a page"), ...problems(401, 422, 503) },
});

const showRoute = createRoute({
  ...common,
  method: "get",
  path: "/executions/{entry}",
  summary: "Every run of the tasks of one entry, and whether they can be run again",
  request: { params },
  responses: { 200: json(entryExecutionsSchema, "its tasks"), ...problems(401, 404, 422, 503) },
});

const retryRoute = createRoute({
  ...common,
  method: "post",
  path: "/executions/{entry}/retry",
  summary: "Run the task of one strategy again, with the same idempotency key",
  description:
    "Only a task that ended `failed` or `ignored`. A dead letter is retried by this call; another task is put into the stream, and GET /executions/{entry} says what it came to. 409: it cannot be run again, or not now; the code says why.",
  request: { params, body: jsonBody(retryRequestSchema) },
  responses: {
    200: json(retriedExecutionSchema, "it runs again"),
    ...problems(400, 401, 404, 409, 413, 415, 422, 503),
  },
});

/** `GET /executions`, `GET /executions/{entry}` and `POST /executions/{entry}/retry`. */
export function executionRoutes({ services }: HttpDeps) {
  const { database, keys } = services;
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { limit: countMax, cursor, strategy, ...filters } = c.req.valid("query");
      const named = strategy === undefined ? {} : { strategy: await strategyIdOf(strategy, services) };
      const search = { ...filters, ...named };
      const after = cursor === undefined ? undefined : parseExecutionCursor(cursor, search);
      if (cursor !== undefined && after === undefined) throw notValid("cursor", CURSOR_TEXT);
      const { executions, next } = await searchExecutions(database, {
        shard: keys.shard,
        search: { ...search, ...(await meantSymbol(search.symbol, services)) },
        page: { countMax, after },
      }).catch(tooSlow("narrow the list with from and to, or with status"));
      const next_cursor = next === undefined ? null : executionCursor(next, search);
      return c.json({ executions: [...executions], next_cursor }, 200);
    })
    .openapi(showRoute, async (c) => {
      const entryId = canonicalEntryId(c.req.valid("param").entry);
      const state = await executionsOf(entryId, services);
      if (!state.decided) throw noSuchEntry(entryId);
      return c.json(entryExecutionsView(entryId, state), 200);
    })
    .openapi(retryRoute, async (c) => {
      const entryId = canonicalEntryId(c.req.valid("param").entry);
      const { strategy, invocation, allow_stale: allowStale, by = "http", reason } = c.req.valid("json");
      const strategyId = await strategyIdOf(strategy, services);
      const request = { entryId, strategyId, invocation, allowStale, by, reason };
      return c.json(retriedView(await retryExecution(request, services).catch(refusal)), 200);
    });
}

function notValid(path: string, message: string): Problem {
  const detail = "the request is not valid";
  return new Problem({ status: 422, code: "invalid_request", detail, issues: [{ path, message }] });
}

function noSuchEntry(entryId: string): Problem {
  const detail = `the log has no decision on an entry ${entryId} of signals_stream`;
  return new Problem({
    status: 404,
    code: "no_such_entry",
    detail,
    hint: "GET /entries/{id} says where an entry is; GET /executions lists tasks that have ended",
  });
}

function refusal(error: unknown): never {
  if (!(error instanceof RetryRefused)) throw error;
  const { code, why: detail, hint } = error.refusal;
  throw new Problem({ status: 409, code, detail, ...(hint === undefined ? {} : { hint }) });
}

function retriedView({
  entryId,
  strategyId,
  idempotencyKey,
  warning,
  deadLetter,
  ...rest
}: RetriedExecution) {
  return {
    ...rest,
    entry_id: entryId,
    strategy_id: strategyId,
    idempotency_key: idempotencyKey,
    warning: warning ?? null,
    dead_letter:
      deadLetter === undefined
        ? null
        : {
            id: deadLetter.id,
            status: deadLetter.status,
            note: deadLetter.note,
            failed: deadLetter.failed === true,
          },
  };
}
