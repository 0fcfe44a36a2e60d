import { messageOf } from "../../shared/error-message.ts";
import type { SystemEvent } from "../../shared/events.ts";
import { redisRefusalIn } from "../../shared/redis-refusal.ts";
import type { EventLog } from "./event-log.ts";

/**
 * Publishes an event when something starts to fail, once a minute while that lasts, and when it has recovered. What Redis says
 * when it refuses is published at once, although another failure was reported before.
 */
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
  const reportedAt = new Map<string, number>();
  let failures = 0;
  return {
    failed(error) {
      const now = performance.now();
      failures += 1;
      since ??= now;
      const kind = (redisRefusalIn(error) ?? redisRefusalIn(causeOf(error)))?.code ?? "other";
      const last = reportedAt.get(kind);
      if (last !== undefined && now - last < REPEAT_MS) return;
      reportedAt.set(kind, now);
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
      reportedAt.clear();
      failures = 0;
    },
  };
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
