import { randomUUID } from "node:crypto";
import type { Fields } from "./entry.ts";
import type { Append } from "./function.ts";
import { cutText, storable } from "./text.ts";

export const EVENT_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;
export type EventLevel = (typeof EVENT_LEVELS)[number];

/** An operational event on its way to `system_log`. */
export interface SystemEvent {
  readonly level: EventLevel;
  /** The part of the router it comes from: `runner`, `refresh-reference`, `process-signals` … */
  readonly source: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** True when a person has to do something. */
  readonly actionNeeded?: boolean;
}

/** The fields of an event as an entry of `system_events`. `at` is in milliseconds since 1970. */
export function eventFields(event: SystemEvent, at: number, eventId: string = randomUUID()): Fields {
  return {
    event_id: eventId,
    at: new Date(at).toISOString(),
    level: event.level,
    source: event.source,
    message: cutText(storable(event.message)),
    details: JSON.stringify(event.details ?? {}, (_key, value: unknown) =>
      typeof value === "string" ? storable(value) : value,
    ),
    action_flag: event.actionNeeded === true ? "true" : "false",
  };
}

/** The effect of publishing an event. */
export function eventAppend(event: SystemEvent, at: number): Append {
  return { stream: "system_events", fields: eventFields(event, at) };
}
