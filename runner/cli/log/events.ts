import type { z } from "zod";
import { printable, printableJson } from "../../../shared/text.ts";
import { eventSchema, eventsSchema, type EventView } from "../../http/operations/event-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { notedTable } from "./noted-table.ts";
import { currentTime, shortTime } from "./times.ts";

/** `cli events` and `cli events done`: what the router has to say, and what people have done about it. */

export interface EventsOptions {
  readonly action: boolean;
  readonly level?: string;
  readonly source?: string;
  readonly text?: string;
  /** Milliseconds. */
  readonly since?: number;
  readonly limit: number;
  readonly after?: string;
  readonly json: boolean;
}

export async function printEvents(options: EventsOptions, io: CommandIo): Promise<void> {
  const { action, level, source, text, since, limit, after: cursor, json } = options;
  const from = since === undefined ? undefined : new Date(currentTime().getTime() - since).toISOString();
  const query = { action: action ? true : undefined, level, source, text, from, limit, cursor };
  const found = await io.withRouter(async (router) =>
    router.ask({ path: "/events", query, answer: eventsSchema }),
  );
  if (json) {
    io.print(printableJson(found));
    return;
  }
  io.print(eventsText(found, { ...io, now: currentTime() }));
  if (found.log === "unavailable")
    io.say(
      "Postgres is unavailable: these are the newest events, which Redis still has. Whether they are done is not known",
    );
  if (found.redis === "unavailable")
    io.say("Redis does not answer: events that have not reached the log are missing");
}

export function eventsText(
  { events, next_cursor }: z.infer<typeof eventsSchema>,
  { now, columns }: Pick<CommandIo, "columns"> & { readonly now: Date },
): string {
  if (events.length === 0) return "no event found";
  const rows = events.map((event) => ({
    cells: [shortTime(event.at, now), event.level, event.source],
    note: event.message,
    below: doneLines(event, now),
  }));
  const table = notedTable({ head: ["time, UTC", "level", "source"], noteHead: "message" }, rows, {
    columns,
  });
  const more = next_cursor === null ? [] : ["", `older ones: the same with --after ${next_cursor}`];
  return [table, ...more].join("\n");
}

/** What is to be done, or who has done it, below the event. */
function doneLines({ action_flag, done, id }: EventView, now: Date): string[] {
  if (!action_flag) return [];
  if (done === null) return [`! to do, then: events done ${id}`];
  const note = done.note === null ? "" : `: ${done.note}`;
  return [`✓ done by ${done.by}, ${shortTime(done.at, now)} UTC${note}`];
}

export interface DoneOptions {
  readonly by?: string;
  readonly note?: string;
}

export async function markEventDone(id: string, { by, note }: DoneOptions, io: CommandIo): Promise<void> {
  const path = `/events/${encodeURIComponent(id)}/done`;
  const body = { by: by ?? io.user, ...(note === undefined ? {} : { note }) };
  const event = await io.withRouter(async (router) =>
    router.ask({ method: "POST", path, body, answer: eventSchema }),
  );
  const { done } = event;
  const who = done === null ? "" : ` by ${done.by}, ${done.at}`;
  io.print(printable(`done${who}: ${event.message}`));
}
