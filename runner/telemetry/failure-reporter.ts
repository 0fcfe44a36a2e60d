import { messageOf } from "../../shared/error-message.ts";
import type { SystemEvent } from "../../shared/events.ts";
import type { EventLog } from "./event-log.ts";

/** Publishes an event when something starts to fail, once a minute while that lasts, and when it has recovered. */
export interface FailureReporter {
  readonly failed: (error: unknown) => void;
  readonly recovered: () => void;
}

const REPEAT_MS = 60_000;

export interface FailureReporterOptions {
  readonly source: string;
  /** What fails, as a clause: `the log cannot be written`. */
  readonly what: string;
  readonly level?: Extract<SystemEvent["level"], "WARNING" | "ERROR" | "CRITICAL">;
}

export function failureReporter(
  events: EventLog,
  { source, what, level = "WARNING" }: FailureReporterOptions,
): FailureReporter {
  let since: number | undefined;
  let reportedAt: number | undefined;
  let failures = 0;
  return {
    failed(error) {
      const now = performance.now();
      failures += 1;
      since ??= now;
      if (reportedAt !== undefined && now - reportedAt < REPEAT_MS) return;
      reportedAt = now;
      const message = `${what}: ${messageOf(error)}; retrying`;
      events.publish({
        level,
        source,
        message,
        details: { failures, for_ms: Math.round(now - since) },
        actionNeeded: level !== "WARNING",
      });
    },
    recovered() {
      if (since === undefined) return;
      const details = { failures, after_ms: Math.round(performance.now() - since) };
      events.publish({ level: "INFO", source, message: `recovered: ${what}`, details });
      since = undefined;
      reportedAt = undefined;
      failures = 0;
    },
  };
}
