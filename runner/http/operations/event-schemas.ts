import { z } from "@hono/zod-openapi";
import { EVENT_LEVELS } from "../../../shared/events.ts";
import { storable } from "../../../shared/text.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import { byName } from "../routes.ts";
import { isSpan, positionSchema, SPAN_FAULT, timeSchema } from "../searching.ts";

/** What the routes of events accept and answer. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ID_TEXT = "expected the id of an event, such as 0f8fad5b-d9cb-469f-a165-70867728950e";

/** A text as Postgres takes it. */
function stored(text: z.ZodString) {
  return text.transform(storable).openapi({ type: "string" });
}

export const eventParams = z.object({
  id: z
    .string(ID_TEXT)
    .regex(UUID, ID_TEXT)
    .transform((id) => id.toLowerCase())
    .openapi({ type: "string", format: "uuid" }),
});

export const eventQuerySchema = membersOf(
  {
    level: oneOf(EVENT_LEVELS).optional().describe("this level or a worse one"),
    source: stored(textUpTo(100, { what: "a source", example: "runner" }))
      .optional()
      .describe("which part of the router speaks"),
    action: oneOf(["true"]).optional().describe("true: only what a person has to do, and is not done yet"),
    text: stored(textUpTo(200, { what: "a part of the message", example: "dead letter" })).optional(),
    from: timeSchema.optional(),
    to: timeSchema.optional(),
    limit: integerIn({ what: "a number of events", min: 1, max: 200, example: 50 }).default(50),
    cursor: positionSchema((id) => UUID.test(id)).optional(),
  },
  "?level=WARNING&limit=50",
).refine(isSpan, { ...SPAN_FAULT });

export const eventSchema = z
  .object({
    id: z.string(),
    at: z.string(),
    level: z.enum(EVENT_LEVELS),
    source: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()),
    action_flag: z.boolean().describe("a person has, or had, to do something"),
    done: z
      .object({ at: z.string(), by: z.string(), note: z.string().nullable() })
      .nullable()
      .describe("who has done what was to be done; null: it is still to be done"),
    logged: z.boolean().describe("false: it is still on its way from `system_events` to `system_log`"),
  })
  .openapi("Event");
export type EventView = z.infer<typeof eventSchema>;

export const eventsSchema = z
  .object({
    events: z.array(eventSchema).describe("newest first; of all routers that share the database"),
    next_cursor: z.string().nullable().describe("for the next page; null: this is the last page"),
    log: z
      .enum(["available", "unavailable"])
      .describe(
        "unavailable: only the newest events, which are still in Redis, and not whether they are done",
      ),
    redis: z.enum(["available", "unavailable"]).describe("unavailable: only the events that are in the log"),
  })
  .openapi("Events");

export const doneSchema = membersOf(
  {
    by: stored(byName).optional().describe("who has done it; default: http"),
    note: stored(textUpTo(1_000, { what: "a note", example: "restarted the receiver" })).optional(),
  },
  '{"by": "ann", "note": "restarted the receiver"}',
).openapi("EventDone");
