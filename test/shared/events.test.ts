import { expect, test } from "vitest";
import { eventAppend, eventFields, EVENT_LEVELS, type SystemEvent } from "../../shared/events.ts";
import { eventRecordSchema } from "../../shared/records.ts";
import { FIELD_BYTES_MAX } from "../../shared/text.ts";
import { NOW } from "../builders.ts";

const EVENT: SystemEvent = { level: "INFO", source: "runner", message: "started" };
const ID = "0b6f2a52-6f4c-4a9e-8f53-1f3f3f0f3c11";

test("an event is written with all its fields", () => {
  const event: SystemEvent = {
    ...EVENT,
    level: "ERROR",
    details: { stream: "signals_stream", n: 1 },
    actionNeeded: true,
  };
  expect(eventFields(event, NOW, ID)).toEqual({
    event_id: ID,
    at: "2025-01-15T12:00:00.000Z",
    level: "ERROR",
    source: "runner",
    message: "started",
    details: '{"stream":"signals_stream","n":1}',
    action_flag: "true",
  });
});

test("an event without details does not ask a person to act", () => {
  expect(eventFields(EVENT, NOW, ID)).toMatchObject({ details: "{}", action_flag: "false" });
});

test.each(EVENT_LEVELS)("an event of level %s is published under an id of its own", (level) => {
  const [first, second] = [eventAppend({ ...EVENT, level }, NOW), eventAppend({ ...EVENT, level }, NOW)];
  expect(first.stream).toBe("system_events");
  expect(eventRecordSchema.parse(first.fields)).toEqual(first.fields);
  expect(first.fields["event_id"]).not.toBe(second.fields["event_id"]);
});

test("an error that quotes binary data becomes an event that Postgres accepts", () => {
  const message = `bad value \0\uD83D ${"x".repeat(100_000)}`;
  const fields = eventFields({ ...EVENT, message, details: { error: "\0\uD83D", deep: ["\0"] } }, NOW);
  expect(fields["message"]).toMatch(/^bad value \uFFFD\uFFFD x+$/);
  expect(Buffer.byteLength(fields["message"] ?? "")).toBe(FIELD_BYTES_MAX);
  expect(JSON.parse(fields["details"] ?? "")).toEqual({ error: "\uFFFD\uFFFD", deep: ["\uFFFD"] });
});
