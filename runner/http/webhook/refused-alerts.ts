import { COMMON_SOURCE } from "../../../shared/config/source-secrets.ts";
import { webhookSecretsOf, type WebhookSecrets } from "../../../shared/config/webhook-secrets.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { refusalCounter } from "../../../shared/metrics.ts";
import type { Services } from "../../setup/services.ts";
import type { ProblemOptions } from "../problem.ts";

/** {@link refusedAlerts} of the webhooks; undefined when none has a secret. */
export function refusedAlertsOf({ config, events, counters }: AlertServices): RefusedAlerts | undefined {
  const secrets = webhookSecretsOf(config);
  if (secrets === undefined) return undefined;
  return refusedAlerts({
    publish: (event) => events.publish(event),
    count: (counter) => counters.add(counter),
    secrets,
  });
}

type AlertServices = Pick<Services, "config" | "events" | "counters">;

/** Counts each refused alert and publishes an event, without a secret in it, so that the log explains why it did not act. */
export function refusedAlerts({ publish, count, secrets }: RefusedAlertsDeps): RefusedAlerts {
  const limited = rateLimited(publish, { everyMs: UNAUTHENTICATED_EVERY_MS });
  return {
    authenticated(refusal) {
      count(refusalCounter(refusal.problem.code));
      publish(refusalEvent(refusal, secrets));
    },
    unauthenticated(refusal) {
      count(refusalCounter(refusal.problem.code));
      limited(() => refusalEvent(refusal, secrets));
    },
  };
}

export interface RefusedAlertsDeps {
  readonly publish: (event: SystemEvent) => void;
  /** Raises a counter, at no cost in Redis for each. */
  readonly count: (counter: string) => void;
  /** Of all webhooks. */
  readonly secrets: Pick<WebhookSecrets, "redact" | "excerptOf">;
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
  /** Name of the source that it was sent to, once that has been found to have the secret. */
  readonly source?: string;
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

function refusalEvent(
  { problem, client, source, body, cause }: Refusal,
  { redact, excerptOf }: RefusedAlertsDeps["secrets"],
): SystemEvent {
  // A position that its sender believes closed stays open, with every alert, until the signal is changed.
  const isLeftOpen = problem.code === "no_exit_phrase";
  return {
    level: isLeftOpen ? "ERROR" : "WARNING",
    ...(isLeftOpen ? { actionNeeded: true } : {}),
    source: "webhook",
    message: `alert${source === undefined || source === COMMON_SOURCE ? "" : ` to ${source}`} refused with ${problem.status}: ${problem.detail}`,
    details: {
      code: problem.code,
      client: client ?? null,
      ...(source === undefined ? {} : { source }),
      ...(problem.issues === undefined ? {} : { issues: problem.issues }),
      ...(cause === undefined ? {} : { cause: redact(cause) }),
      ...(body === undefined ? {} : { excerpt: excerptOf(body) }),
    },
  };
}
