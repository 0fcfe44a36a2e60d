import { messageOf } from "../../shared/error-message.ts";
import type { SystemEvent } from "../../shared/events.ts";
import type { EventLog } from "./event-log.ts";

/** Says that something fails when it begins to, again while it lasts, and that it is over: no more than a person can read. */
export interface FailureReporter {
  readonly failed: (error: unknown) => void;
  readonly recovered: () => void;
}

const REPEAT_MS = 60_000;

export interface FailureReporterOptions {
  readonly source: string;
  /** What does not work, as a clause: `the log cannot be written`. */
  readonly what: string;
  readonly level?: Extract<SystemEvent["level"], "WARNING" | "ERROR" | "CRITICAL">;
}

export function failureReporter(
  events: EventLog,
  { source, what, level = "WARNING" }: FailureReporterOptions,
): FailureReporter {
  let since = 0;
  let said = 0;
  let failures = 0;
  return {
    failed(error) {
      const now = Date.now();
      failures += 1;
      if (since === 0) since = now;
      if (said !== 0 && now - said < REPEAT_MS) return;
      said = now;
      const message = `${what}: ${messageOf(error)}; trying again`;
      events.publish({
        level,
        source,
        message,
        details: { failures, for_ms: now - since },
        actionNeeded: level !== "WARNING",
      });
    },
    recovered() {
      if (since === 0) return;
      const details = { failures, after_ms: Date.now() - since };
      events.publish({ level: "INFO", source, message: `over: ${what}`, details });
      since = 0;
      said = 0;
      failures = 0;
    },
  };
}
