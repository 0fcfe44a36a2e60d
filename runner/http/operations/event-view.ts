import type { EventLevel } from "../../../shared/events.ts";
import {
  levelsFrom,
  type EventKey,
  type EventSearch,
  type LoggedEvent,
} from "../../../shared/io/log/event-search.ts";
import type { EventRow } from "../../../shared/log-rows.ts";
import type { EventView } from "./event-schemas.ts";

/** Puts the events of the log and those still on their way to it on one page, the newest first. */

/** An event with whether it is in the log. */
export type FoundEvent = LoggedEvent & { readonly logged: boolean };

/** The events in the stream that fit a search, as the log would have them. */
export function fittingEvents(
  rows: readonly EventRow[],
  { level, source, toDo, text, from, to }: EventSearch,
  after: EventKey | undefined,
): FoundEvent[] {
  const levels = level === undefined ? undefined : new Set<string>(levelsFrom(level));
  const wanted = text?.toLowerCase();
  return rows.map(eventOfRow).filter((event) => {
    const at = Date.parse(event.at);
    return (
      (levels === undefined || levels.has(event.level)) &&
      (source === undefined || event.source === source) &&
      (toDo !== true || event.actionFlag) &&
      (wanted === undefined || event.message.toLowerCase().includes(wanted)) &&
      (from === undefined || at >= from) &&
      (to === undefined || at < to) &&
      (after === undefined || newestFirst(keyOf(event), after) > 0)
    );
  });
}

/** One page of both, and whether there is more. */
export function pageOf(
  logged: readonly FoundEvent[],
  streamed: readonly FoundEvent[],
  countMax: number,
): { readonly events: readonly FoundEvent[]; readonly next: EventKey | undefined } {
  const all = [...logged, ...streamed].toSorted((a, b) => newestFirst(keyOf(a), keyOf(b)));
  const events = all.slice(0, countMax);
  const last = events.at(-1);
  return { events, next: all.length > countMax && last !== undefined ? keyOf(last) : undefined };
}

export function eventView({ eventId, at, actionFlag, done, logged, ...event }: FoundEvent): EventView {
  return {
    id: eventId,
    ...event,
    at: new Date(at).toISOString(),
    action_flag: actionFlag,
    done: done === null ? null : { ...done },
    logged,
  };
}

function keyOf({ at, eventId }: LoggedEvent): EventKey {
  return { at, eventId };
}

function newestFirst(a: EventKey, b: EventKey): number {
  const [x, y] = [`${a.at} ${a.eventId}`, `${b.at} ${b.eventId}`];
  return x === y ? 0 : x > y ? -1 : 1;
}

function eventOfRow({ eventId, at, level, source, message, details, actionFlag }: EventRow): FoundEvent {
  return {
    // As Postgres writes both.
    eventId: eventId.toLowerCase(),
    at: new Date(at).toISOString().replace("Z", "000Z"),
    level: level as EventLevel,
    source,
    message,
    details: { ...Object(details) } as Record<string, unknown>,
    actionFlag,
    done: null,
    logged: false,
  };
}
