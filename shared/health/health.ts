import { deadLetterFaults, type DeadLettersHealth } from "./dead-letters.ts";
import { degraded, type Fault, type HealthLimits } from "./fault.ts";
import { groupFaults, type GroupHealth } from "./groups.ts";
import { pauseFaults, type PausesHealth } from "./pauses.ts";
import { referenceFaults, type ReferenceHealth } from "./reference.ts";
import { strategyFaults, type StrategiesHealth } from "./strategies.ts";

/**
 * The health of a router: whether signals are being decided, and what needs attention. This room has a file for each subject,
 * which turns facts into faults; `/readyz`, `cli status` and the metrics all show what is found here.
 */
export function healthOf(facts: HealthFacts, limits: HealthLimits): Health {
  if (!facts.redisReachable) return { status: "not_ready", reasons: ["Redis does not answer"] };
  return healthWith([
    ...referenceFaults(facts.reference, limits),
    ...(facts.postgresReachable === false
      ? [degraded("Postgres cannot be reached; records wait in signal_results")]
      : []),
    ...pauseFaults(facts.paused),
    ...facts.groups.flatMap((group) => groupFaults(group, limits)),
    ...strategyFaults(facts.strategies),
    ...deadLetterFaults(facts.deadLetters),
  ]);
}

/** What Redis and Postgres tell about a router. */
export interface HealthFacts {
  readonly redisReachable: boolean;
  /** Null when it was not checked. */
  readonly postgresReachable: boolean | null;
  readonly reference: ReferenceHealth;
  readonly groups: readonly GroupHealth[];
  readonly paused: PausesHealth;
  readonly strategies: StrategiesHealth;
  readonly deadLetters: DeadLettersHealth;
}

/** What is known while Redis does not answer. */
export const WITHOUT_REDIS: Omit<HealthFacts, "postgresReachable"> = {
  redisReachable: false,
  reference: { version: null, confirmedAgoMs: null },
  groups: [],
  paused: {},
  strategies: { now: 0, reports: [], consumers: 0, tasks: [] },
  deadLetters: { count: 0, oldestAgoMs: null },
};

/** `degraded`: signals are decided, but something needs attention. `not_ready`: signals are not being decided. */
export interface Health {
  readonly status: "ready" | "degraded" | "not_ready";
  /** The worst ones first. */
  readonly reasons: readonly string[];
}

function healthWith(faults: readonly Fault[]): Health {
  const reasonsOf = (severity: Fault["severity"]): string[] =>
    faults.filter((fault) => fault.severity === severity).map(({ reason }) => reason);
  const [worst, others] = [reasonsOf("not_ready"), reasonsOf("degraded")];
  const status = worst.length > 0 ? "not_ready" : others.length > 0 ? "degraded" : "ready";
  return { status, reasons: [...worst, ...others] };
}
