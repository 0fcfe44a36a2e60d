import { deadLetterFaults, type DeadLettersHealth } from "./dead-letters.ts";
import type { Fault, HealthLimits } from "./fault.ts";
import { foreignFaults, type ForeignHealth } from "./foreign-consumers.ts";
import { groupFaults, type GroupHealth } from "./groups.ts";
import { leftGroupFaults, type LeftGroup } from "./left-groups.ts";
import { pauseFaults, type PausesHealth } from "./pauses.ts";
import { postgresFaults, type PostgresHealth } from "./postgres.ts";
import { redisFaults, refusesEveryWrite, type RedisHealth } from "./redis.ts";
import { referenceFaults, type ReferenceHealth } from "./reference.ts";
import { replicasFaults, type ReplicasHealth } from "./replicas.ts";
import { shadowFaults, type ShadowHealth } from "./shadow.ts";
import { strategyFaults, type StrategiesHealth } from "./strategies.ts";
import { webhookSourceFaults, type WebhookSourcesHealth } from "./webhook-sources.ts";

/**
 * The health of a router: whether signals are being decided, and what needs attention. This room has a file for each subject,
 * which turns facts into faults; `/readyz`, `cli status` and the metrics all show what is found here.
 */
export function healthOf(facts: HealthFacts, limits: HealthLimits): Health {
  const servers = [...redisFaults(facts.redis), ...postgresFaults(facts)];
  if (!facts.redis.answers) return healthWith(servers);
  const takesWrites = !refusesEveryWrite(facts.redis);
  // Without heartbeats and acknowledgements the groups show nothing but that.
  const groups = takesWrites ? facts.groups : [];
  return healthWith([
    ...servers,
    ...(takesWrites ? replicasFaults(facts.replicas) : []),
    ...referenceFaults(facts.reference, limits),
    ...pauseFaults(facts.paused),
    ...groups.flatMap((group) => groupFaults(group, limits)),
    ...strategyFaults(facts.strategies),
    ...deadLetterFaults(facts.deadLetters),
    ...shadowFaults(facts.shadow),
    ...foreignFaults(facts.foreignConsumers),
    ...leftGroupFaults(facts.leftGroups),
    ...webhookSourceFaults(facts.webhookSources),
  ]);
}

/** The health of intake: a signal is accepted as long as Redis and its replicas confirm writes, whatever else is wrong. */
export function redisHealthOf(redis: RedisHealth, replicas?: ReplicasHealth): Health {
  return healthWith([...redisFaults(redis), ...(refusesEveryWrite(redis) ? [] : replicasFaults(replicas))]);
}

/** What Redis and Postgres tell about a router. */
export interface HealthFacts extends PostgresHealth {
  readonly redis: RedisHealth;
  /** Absent: not asked. */
  readonly replicas?: ReplicasHealth;
  readonly reference: ReferenceHealth;
  readonly groups: readonly GroupHealth[];
  readonly paused: PausesHealth;
  readonly strategies: StrategiesHealth;
  readonly deadLetters: DeadLettersHealth;
  readonly shadow: ShadowHealth;
  readonly foreignConsumers: readonly ForeignHealth[];
  readonly leftGroups: readonly LeftGroup[];
  readonly webhookSources: WebhookSourcesHealth;
}

/** What is known while Redis does not answer. */
export const WITHOUT_REDIS: Omit<HealthFacts, keyof PostgresHealth> = {
  redis: { answers: false, refusals: [], memory: { used: null, max: null } },
  reference: { version: null, confirmedAgoMs: null },
  groups: [],
  paused: {},
  strategies: { now: 0, reports: [], consumers: 0, tasks: [] },
  deadLetters: { count: 0, oldestAgoMs: null },
  shadow: { isShadow: false, suffix: "" },
  foreignConsumers: [],
  leftGroups: [],
  webhookSources: { withoutSecret: [] },
};

/** `degraded`: signals are decided, but something needs attention. `not_ready`: signals are not being decided, or none is traded. */
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
