import { createRoute, z } from "@hono/zod-openapi";
import { canonicalEntryId } from "../../../shared/entry-range.ts";
import { searchSignals } from "../../../shared/io/log/signal-search.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf } from "../named-strategy.ts";
import { meantSymbol } from "../named-symbol.ts";
import { Problem } from "../problem.ts";
import { BEARER, entryIdSchema, json, newRoutes, problems } from "../routes.ts";
import { tooSlow } from "../searching.ts";
import { lookUpEntry, lookUpUid } from "./entry-lookup.ts";
import { entryViewSchema, foundSignalsSchema, signalViewSchema } from "./entry-schemas.ts";
import { searchCursor } from "./search-cursor.ts";
import { searchQuerySchema, uidSchema } from "./search-query.ts";

/** This room explains why the router acted or not: what Redis and the log know about entries, uids and decisions. */

const common = { method: "get" as const, security: BEARER, tags: ["signals"] };

const entryRoute = createRoute({
  ...common,
  path: "/entries/{id}",
  summary: "Everything known about one entry of signals_stream",
  request: { params: z.object({ id: entryIdSchema }) },
  responses: {
    200: json(entryViewSchema, "its state, and what was decided"),
    ...problems(401, 404, 422, 503),
  },
});

const uidRoute = createRoute({
  ...common,
  path: "/signals/{uid}",
  summary: "Every entry with this uid: usually a dispatched one and its duplicates",
  request: { params: z.object({ uid: uidSchema }) },
  responses: { 200: json(signalViewSchema, "its entries"), ...problems(401, 404, 422, 503) },
});

const searchRoute = createRoute({
  ...common,
  path: "/signals",
  summary: "Search the log, page by page",
  request: { query: searchQuerySchema },
  responses: { 200: json(foundSignalsSchema, "a page"), ...problems(401, 422, 503) },
});

/** `GET /signals`, `/signals/{uid}` and `/entries/{id}`. */
export function signalRoutes({ services }: HttpDeps) {
  const { database, keys } = services;
  return newRoutes()
    .openapi(entryRoute, async (c) => {
      const id = canonicalEntryId(c.req.valid("param").id);
      const view = await lookUpEntry(id, services);
      if (view === undefined) throw unknownEntry(id);
      return c.json(view, 200);
    })
    .openapi(uidRoute, async (c) => {
      const { uid } = c.req.valid("param");
      const { entries, truncated } = await lookUpUid(uid, services);
      if (entries.length === 0) throw unknownUid();
      return c.json({ uid, entries: [...entries], truncated }, 200);
    })
    .openapi(searchRoute, async (c) => {
      const { search, page } = c.req.valid("query");
      const { strategy: given, ...others } = search;
      const strategy = given === undefined ? undefined : await strategyIdOf(given, services);
      const { signals, next } = await searchSignals(database, {
        shard: keys.shard,
        search: { ...others, ...(await meantSymbol(search.symbol, services)), strategy },
        page,
      }).catch(tooSlow("narrow the search with from and to, with symbol, or with strategy"));
      const next_cursor = next === undefined ? null : searchCursor(next, search);
      return c.json({ signals: [...signals], next_cursor }, 200);
    });
}

function unknownEntry(id: string): Problem {
  const detail = `neither Redis nor the log knows an entry ${id} of signals_stream`;
  const hint = "old entries leave the stream after STREAM_RETENTION_MS and the log after LOG_RETENTION_DAYS";
  return new Problem({ status: 404, code: "no_such_entry", detail, hint });
}

function unknownUid(): Problem {
  const detail = "neither Redis nor the log knows a signal with this uid";
  const hint =
    "a signal that was not dispatched is found by its uid only once it is in the log; GET /signals searches by symbol and time";
  return new Problem({ status: 404, code: "no_such_signal", detail, hint });
}
