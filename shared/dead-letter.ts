import * as z from "zod";
import { isEntryId, type Entry, type Fields } from "./entry.ts";
import { eventAppend, type SystemEvent } from "./events.ts";
import type { Effects, Result } from "./function.ts";
import type { StreamName } from "./keys.ts";
import { rawFields } from "./records.ts";
import { strategyLabel } from "./strategy-label.ts";
import { storable } from "./text.ts";

/** The effects that make an entry a dead letter, with all that a retry needs: the dead letter, an event, and `also`. */
export function deadLetterEffects(
  entry: Entry,
  result: Extract<Result, { status: "dead" }>,
  { stream, functionName, deliveries, at }: DeadLetterOrigin,
): Effects {
  const { reason, level = "WARNING", also } = result;
  const error = storable(result.error);
  const event: SystemEvent = {
    level,
    source: functionName,
    message: `entry ${entry.id} of ${stream}${forStrategy({ stream, fields: entry.fields })} is a dead letter (${reason}): ${error}`,
    details: { stream, entry_id: entry.id, reason, error, deliveries },
    actionNeeded: true,
  };
  return {
    append: [
      {
        stream: "dead_letters",
        fields: {
          stream,
          entry_id: entry.id,
          function: functionName,
          reason,
          error,
          deliveries: String(deliveries),
          at: new Date(at).toISOString(),
          fields: JSON.stringify(entry.fields),
        },
      },
      // No event about an event that cannot be stored: that one could not be stored either, and so on.
      ...(stream === "system_events" ? [] : [eventAppend(event, at)]),
      ...(also?.append ?? []),
    ],
    count: [`dead_letters:${functionName}`, ...(also?.count ?? [])],
    ...(also?.sum === undefined ? {} : { sum: also.sum }),
  };
}

/** For whom a task is: ` for Trend follower (1)`; empty for other entries. */
export function forStrategy({
  stream,
  fields,
}: {
  readonly stream: string;
  readonly fields: Fields;
}): string {
  const { strategy_id: id = "", strategy } = fields;
  return stream === "strategy_input_stream" && /^\d{1,10}$/.test(id)
    ? ` for ${strategyLabel(Number(id), strategy)}`
    : "";
}

/** Where an entry became a dead letter, and what is known about it. */
export interface DeadLetterOrigin {
  readonly stream: StreamName;
  readonly functionName: string;
  /** Times the entry was delivered, by Redis' count. */
  readonly deliveries: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const fieldsJson = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "expected JSON" });
    return z.NEVER;
  }
});

/** The fields of an entry of `dead_letters`, whichever client added it. */
const deadLetterSchema = z.object({
  stream: z.string().min(1),
  entry_id: z.string().refine(isEntryId, "expected the id of an entry, such as 1700000000000-0"),
  function: z.string().min(1),
  reason: z.string(),
  error: z.string(),
  deliveries: z
    .string()
    .regex(/^\d{1,15}$/, "expected a number")
    .transform(Number),
  at: z.iso.datetime({ offset: true }),
  fields: fieldsJson.pipe(rawFields),
});

/** A dead letter that can be retried. */
export interface DeadLetter {
  /** Id of the dead letter itself. */
  readonly id: string;
  /** The entry as it was delivered, with its own id. */
  readonly entry: Entry;
  readonly stream: string;
  readonly functionName: string;
  readonly reason: string;
  readonly error: string;
  readonly deliveries: number;
  /** When it became a dead letter, ISO 8601. */
  readonly at: string;
}

/** An entry of `dead_letters`: usually a dead letter; any other can still be shown and discarded. */
export type StoredDeadLetter =
  | { readonly ok: true; readonly id: string; readonly raw: Fields; readonly letter: DeadLetter }
  | { readonly ok: false; readonly id: string; readonly raw: Fields; readonly fault: string };

/** Reads an entry of `dead_letters`: the dead letter, or what is wrong with it. */
export function parseDeadLetter({ id, fields: raw }: Entry): StoredDeadLetter {
  const parsed = deadLetterSchema.safeParse(raw);
  if (!parsed.success) return { ok: false, id, raw, fault: z.prettifyError(parsed.error) };
  const { entry_id, fields, function: functionName, ...rest } = parsed.data;
  return { ok: true, id, raw, letter: { ...rest, id, functionName, entry: { id: entry_id, fields } } };
}

/** The effects of discarding a dead letter: an event that has all of it, since nothing else keeps it from then on. */
export function discardEffects({ id, raw }: StoredDeadLetter, by: string, at: number): Effects {
  const what = `${raw["entry_id"] ?? "?"} of ${raw["stream"] ?? "?"}`;
  const message = `dead letter ${id} (entry ${what}) was discarded by ${by}`;
  const details = { dead_letter: id, by, letter: raw };
  return {
    append: [eventAppend({ level: "WARNING", source: "dead-letters", message, details }, at)],
    count: [],
  };
}
