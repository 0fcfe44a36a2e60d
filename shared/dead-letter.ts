import type { Entry } from "./entry.ts";
import { eventAppend } from "./events.ts";
import type { Effects, Result } from "./function.ts";
import type { StreamName } from "./keys.ts";

/** Where an entry was given up on, and what is known about it. */
export interface DeadLetterOrigin {
  readonly stream: StreamName;
  readonly functionName: string;
  /** Times the entry was delivered, by Redis' count. */
  readonly deliveries: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The effects of giving up on an entry: a dead letter with everything needed to retry it, and an event. */
export function deadLetterEffects(
  entry: Entry,
  result: Extract<Result, { status: "dead" }>,
  { stream, functionName, deliveries, at }: DeadLetterOrigin,
): Effects {
  const { reason, error, level = "WARNING" } = result;
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
      eventAppend(
        {
          level,
          source: functionName,
          message: `entry ${entry.id} of ${stream} is a dead letter (${reason}): ${error}`,
          details: { stream, entry_id: entry.id, reason, error, deliveries },
          actionNeeded: true,
        },
        at,
      ),
    ],
    count: [`dead_letters:${functionName}`],
  };
}
