import { redactedExcerpt, redactSecret } from "../../../shared/config/redact-secret.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { refusalCounter } from "../../../shared/metrics.ts";
import type { Services } from "../../setup/services.ts";
import type { ProblemOptions } from "../problem.ts";

/** {@link refusedAlerts} of the webhook; undefined without WEBHOOK_SECRET. */
export function refusedAlertsOf({ config, events, counters }: AlertServices): RefusedAlerts | undefined {
  const { webhookSecret: secret } = config;
  if (secret === undefined) return undefined;
  return refusedAlerts({
    publish: (event) => events.publish(event),
    count: (counter) => counters.add(counter),
    secret,
  });
}

type AlertServices = Pick<Services, "config" | "events" | "counters">;

/** Counts each refused alert and publishes an event, without `secret` in it, so that the log explains why it did not act. */
export function refusedAlerts({ publish, count, secret }: RefusedAlertsDeps): RefusedAlerts {
  const limited = rateLimited(publish, { everyMs: UNAUTHENTICATED_EVERY_MS });
  return {
    authenticated(refusal) {
      count(refusalCounter(refusal.problem.code));
      publish(refusalEvent(refusal, secret));
    },
    unauthenticated(refusal) {
      count(refusalCounter(refusal.problem.code));
      limited(() => refusalEvent(refusal, secret));
    },
  };
}

export interface RefusedAlertsDeps {
  readonly publish: (event: SystemEvent) => void;
  /** Raises a counter, at no cost in Redis for each. */
  readonly count: (counter: string) => void;
  /** WEBHOOK_SECRET */
  readonly secret: string;
}

const UNAUTHENTICATED_EVERY_MS = 10_000;

export interface RefusedAlerts {
  /** Reports a refused alert that had the right secret. */
  authenticated(refusal: Refusal): void;
  /** Reports one without the right secret. Anyone can send many of them, so there is at most one event in ten seconds. */
  unauthenticated(refusal: Refusal): void;
}

/** An alert that was refused. */
export interface Refusal {
  readonly problem: ProblemOptions;
  /** Address it came from. */
  readonly client: string | undefined;
  /** As much of its body as is known. */
  readonly body?: string | undefined;
  /** For the log only. */
  readonly cause?: string | undefined;
}

/** Publishes at most one event in `everyMs`; its detail `left_out` counts those left out since the one before. */
export function rateLimited(
  publish: (event: SystemEvent) => void,
  { everyMs, now = () => performance.now() }: { readonly everyMs: number; readonly now?: () => number },
): (make: () => SystemEvent) => void {
  let nextAt = -Infinity;
  let leftOut = 0;
  return (make) => {
    if (now() < nextAt) {
      leftOut += 1;
      return;
    }
    const event = make();
    publish(leftOut === 0 ? event : { ...event, details: { ...event.details, left_out: leftOut } });
    nextAt = now() + everyMs;
    leftOut = 0;
  };
}

function refusalEvent({ problem, client, body, cause }: Refusal, secret: string): SystemEvent {
  return {
    level: "WARNING",
    source: "webhook",
    message: `alert refused with ${problem.status}: ${problem.detail}`,
    details: {
      code: problem.code,
      client: client ?? null,
      ...(problem.issues === undefined ? {} : { issues: problem.issues }),
      ...(cause === undefined ? {} : { cause: redactSecret(cause, secret) }),
      ...(body === undefined ? {} : { excerpt: redactedExcerpt(body, secret) }),
    },
  };
}
