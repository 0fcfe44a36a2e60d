import { redactedExcerpt, redactSecret } from "../../../shared/config/redact-secret.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import type { ProblemOptions } from "../problem.ts";

/** An alert that was not taken. */
export interface Refusal {
  readonly problem: ProblemOptions;
  /** Address it came from. */
  readonly client: string | undefined;
  /** As much of its body as is known. */
  readonly body?: string | undefined;
  /** What is for the log only. */
  readonly cause?: string | undefined;
}

/** Tells the log about refused alerts, so that somebody can say why one did not act. */
export interface RefusedAlerts {
  /** One that came with the right secret. */
  refused(refusal: Refusal): void;
  /** One without the right secret, as anybody can send any number of: at most an event every ten seconds. */
  stranger(refusal: Refusal): void;
}

const SPARINGLY_MS = 10_000;

/** Refused alerts as events, without `secret` in them. */
export function refusedAlerts(publish: (event: SystemEvent) => void, secret: string): RefusedAlerts {
  const eventOf = (refusal: Refusal): SystemEvent => refusalEvent(refusal, secret);
  const stranger = sparingly(publish, { everyMs: SPARINGLY_MS });
  return {
    refused: (refusal) => publish(eventOf(refusal)),
    stranger: (refusal) => stranger(() => eventOf(refusal)),
  };
}

/** Publishes at most one event in `everyMs`; its detail `left_out` counts those that were not, since the one before. */
export function sparingly(
  publish: (event: SystemEvent) => void,
  { everyMs, now = () => performance.now() }: { readonly everyMs: number; readonly now?: () => number },
): (event: () => SystemEvent) => void {
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
