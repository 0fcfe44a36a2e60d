import { secretVariableOf } from "../config/source-secrets.ts";
import { degraded, type Fault } from "./fault.ts";

/** What is wrong with webhook sources: one without a secret answers each of its alerts with 401. */
export function webhookSourceFaults({ withoutSecret }: WebhookSourcesHealth): Fault[] {
  const more = withoutSecret.length - NAMED_MAX;
  const faults = withoutSecret
    .slice(0, NAMED_MAX)
    .map((name) =>
      degraded(
        `webhook source ${name} has no secret, so all its alerts are refused with 401: set ${secretVariableOf(name)} and restart the router, or disable the source`,
      ),
    );
  return more > 0 ? [...faults, degraded(`${more} more webhook sources have no secret`)] : faults;
}

export interface WebhookSourcesHealth {
  /** Names of those that are enabled and have none here; none where no webhook is served. */
  readonly withoutSecret: readonly string[];
}

const NAMED_MAX = 3;
