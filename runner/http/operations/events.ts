import { createRoute } from "@hono/zod-openapi";
import {
  loggedAmong,
  markDone,
  searchEvents,
  type EventPage,
  type EventSearch,
  type LoggedEvent,
} from "../../../shared/io/log/event-search.ts";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { recentEvents } from "../../../shared/io/streams/recent-events.ts";
import { NO_ROWS, type EventRow } from "../../../shared/log-rows.ts";
import { redisRefusalIn } from "../../../shared/redis-refusal.ts";
import { UnavailableError } from "../../engine/retry-until-stopped.ts";
import type { Services } from "../../setup/services.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, jsonBody, newRoutes, problems } from "../routes.ts";
import { positionText, tooSlow } from "../searching.ts";
import { doneSchema, eventParams, eventQuerySchema, eventSchema, eventsSchema } from "./event-schemas.ts";
import { eventView, fittingEvents, pageOf, type FoundEvent } from "./event-view.ts";

/** `GET /events` and `POST /events/{id}/done`: what the router has to say, and what people have done about it. */

const common = { security: BEARER, tags: ["operations"] };

const listRoute = createRoute({
  ...common,
  method: "get",
  path: "/events",
  summary: "What the router has to say, page by page",
  request: { query: eventQuerySchema },
  responses: { 200: json(eventsSchema, "a page"), ...problems(401, 422, 503) },
});

const doneRoute = createRoute({
  ...common,
  method: "post",
  path: "/events/{id}/done",
  summary: "Say that what an event asks for is done",
  description: "Repeating it changes nothing: the first one stays. 409: the event asks for nothing.",
  request: { params: eventParams, body: { ...jsonBody(doneSchema), required: false } },
  responses: { 200: json(eventSchema, "it is done"), ...problems(401, 404, 409, 413, 415, 422, 503) },
});

export function eventRoutes({ services }: HttpDeps) {
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { limit, cursor, action, ...given } = c.req.valid("query");
      const search = { ...given, toDo: action === "true" };
      const after = cursor && { at: cursor.at, eventId: cursor.id };
      const { logged, streamed } = await eventsFor(search, { countMax: limit + 1, after }, services);
      const { events, next } = pageOf(logged ?? [], streamed ?? [], limit);
      const next_cursor = next === undefined ? null : positionText({ at: next.at, id: next.eventId });
      const [log, redis] = [availability(logged), availability(streamed)];
      return c.json({ events: events.map(eventView), next_cursor, log, redis }, 200);
    })
    .openapi(doneRoute, async (c) => {
      const { id } = c.req.valid("param");
      const { by = "http", note = null } = c.req.valid("json");
      const done = await markedDone(id, { by, note }, services).catch(denied);
      if (done === undefined) throw noSuchEvent(id);
      const { event, marked } = done;
      if (!event.actionFlag) throw asksForNothing(id);
      if (marked)
        services.events.publish({
          level: "INFO",
          source: "control",
          message: `done, says ${by}: ${event.message}`,
          details: { event_id: id, by, note },
        });
      return c.json(eventView({ ...event, logged: true }), 200);
    });
}

function availability(found: readonly FoundEvent[] | undefined): "available" | "unavailable" {
  return found === undefined ? "unavailable" : "available";
}

/** The events in the log, and those that are not in it yet. One of the two may be unavailable; @throws when both are */
async function eventsFor(search: EventSearch, page: EventPage, services: Services) {
  const { database, redis } = services;
  let unread: Error | undefined;
  // The stream first: an event that moves meanwhile is found in both.
  const recent = await keptEvents(services).catch((error: unknown) => {
    const isUnavailable = redisRefusalIn(error) !== undefined || redis.status !== "ready";
    if (!isUnavailable || !(error instanceof Error)) throw error;
    unread = error;
    return undefined;
  });
  const streamed = recent && fittingEvents(recent, search, page.after);
  try {
    const found = await searchEvents(database, search, page).catch(
      tooSlow("narrow the search with from and to, or with level"),
    );
    const logged = found.map((event): FoundEvent => ({ ...event, logged: true }));
    if (streamed === undefined) return { logged, streamed };
    const known = await loggedAmong(
      database,
      streamed.map(({ eventId }) => eventId),
    );
    return { logged, streamed: streamed.filter(({ eventId }) => !known.has(eventId)) };
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.kind !== "unavailable") throw error;
    if (streamed === undefined) throw unread ?? error;
    return { logged: undefined, streamed };
  }
}

/** The newest events in the stream, without those that LOG_RETENTION_DAYS has removed from the log, or soon does. */
async function keptEvents({ redis, keys, clock, config }: Services): Promise<EventRow[]> {
  const { logRetentionDays: days } = config;
  const keptSince = days === 0 ? -Infinity : clock.now() - days * DAY_MS;
  return (await recentEvents(redis, keys)).filter(({ at }) => Date.parse(at) >= keptSince);
}

const DAY_MS = 86_400_000;

/** One that is still on its way is written to the log first; the write that comes later changes nothing. */
async function markedDone(
  id: string,
  done: { readonly by: string; readonly note: string | null },
  services: Services,
): Promise<{ readonly event: LoggedEvent; readonly marked: boolean } | undefined> {
  const { database, log } = services;
  const marked = await markDone(database, id, done);
  if (marked !== undefined) return marked;
  const events = (await keptEvents(services)).filter(({ eventId }) => eventId.toLowerCase() === id);
  if (events.length === 0) return undefined;
  const answer = await log.write({ ...NO_ROWS, events: events.slice(0, 1) });
  if (answer.status !== "stored") throw new UnavailableError(answer.error);
  return markDone(database, id, done);
}

/** A user that could write the log of before may lack this right. */
function denied(error: unknown): never {
  if (!(error instanceof DatabaseError) || error.sqlstate !== "42501") throw error;
  throw new Problem({ status: 503, code: "postgres_unavailable", detail: error.message });
}

function noSuchEvent(id: string): Problem {
  const hint = "GET /events lists them; old ones leave the log after LOG_RETENTION_DAYS";
  return new Problem({ status: 404, code: "no_such_event", detail: `there is no event ${id}`, hint });
}

function asksForNothing(id: string): Problem {
  const detail = `event ${id} asks for nothing, so there is nothing to be done`;
  const hint = "GET /events?action=true lists those that do";
  return new Problem({ status: 409, code: "no_action_needed", detail, hint });
}
