import type { Config } from "../../shared/config/config.ts";
import { logPrivileges, rightsFault } from "../../shared/config/postgres-requirements.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { GroupHealth } from "../../shared/health/groups.ts";
import { healthOf, type Health, type HealthFacts } from "../../shared/health/health.ts";
import { isReading } from "../../shared/health/heartbeats.ts";
import type { LeftGroup } from "../../shared/health/left-groups.ts";
import type { PostgresHealth } from "../../shared/health/postgres.ts";
import type { StrategiesHealth } from "../../shared/health/strategies.ts";
import { waitedMs, type WaitingHealth } from "../../shared/health/waiting.ts";
import { readDatabaseRights } from "../../shared/io/postgres/database-facts.ts";
import { DatabaseError, type Database } from "../../shared/io/postgres/database.ts";
import { publicReason } from "../../shared/io/reference/refresh-failures.ts";
import { holderHealth } from "../../shared/io/status/holder-status.ts";
import type { Status } from "../../shared/io/status/status.ts";
import type { WaitingStatus } from "../../shared/io/status/waiting-status.ts";
import { groupsOf, keysOf, type GroupName, type GroupOfStream } from "../../shared/keys.ts";

/** The health of the router, from what Redis contains and whether Postgres answered. */
export function healthFrom(
  status: Status,
  servers: PostgresHealth & Pick<HealthFacts, "replicas">,
  config: Config,
): Health {
  const { deadLetters, paused, now } = status;
  const { confirmedAt, sources = [], ...reference } = status.reference;
  const agoMs = (at: number | null): number | null => (at === null ? null : Math.max(0, now - at));
  const groups = groupsOf(keysOf(config.keyPrefix, config));
  return healthOf(
    {
      redis: { answers: true, ...status.server },
      ...servers,
      reference: { ...reference, confirmedAgoMs: agoMs(confirmedAt) },
      groups: groups
        .filter(({ group }) => isExpected(group, status, config))
        .map((group) => groupHealth(group, status, config)),
      paused,
      strategies: strategiesHealth(status, config),
      deadLetters: { count: deadLetters.count, oldestAgoMs: agoMs(deadLetters.oldestAt) },
      shadow: status.shadow,
      foreignConsumers: status.foreignConsumers.map((one) => ({ ...one, group: one.groupName })),
      leftGroups: groups
        .filter(({ group }) => !isExpected(group, status, config))
        .flatMap((group) => leftGroup(group, status, config)),
      webhookSources: { withoutSecret: sources.filter((name) => isClosed(name, config)) },
    },
    config,
  );
}

/** What is known about single strategies: from the processes that run strategies now, and from the ends of tasks. */
export function strategiesHealth(status: Status, config: Pick<Config, "blockMs">): StrategiesHealth {
  const { now, strategies } = status;
  const reading = heartbeatsOf(
    { stream: "strategy_input_stream", group: "strategy_executor" },
    status,
  ).filter((heartbeat) => isReading(heartbeat, config));
  const consumers = new Set(reading.map(({ consumer }) => consumer));
  const reports = strategies.reports.filter(({ consumer }) => consumers.has(consumer));
  return { now, reports, consumers: consumers.size, tasks: strategies.tasks };
}

function groupHealth(
  { stream, group }: GroupOfStream,
  status: Status,
  { groupSuffix }: Pick<Config, "groupSuffix">,
): GroupHealth {
  const found = status.streams
    .find(({ name }) => name === stream)
    ?.groups.find((each) => each.group === group);
  return {
    stream,
    group: group + groupSuffix,
    critical: group === "signal_processor",
    exists: found !== undefined,
    heartbeats: heartbeatsOf({ stream, group }, status),
    ...holderOf(group, status),
    waiting: waitingHealth(found?.waiting ?? NOTHING_WAITS, group, status),
    oldestPendingIdleMs: found?.oldestPendingIdleMs ?? null,
  };
}

function holderOf(group: GroupName, status: Status): Pick<GroupHealth, "holder"> {
  const holder = holderHealth(group, status);
  return holder === undefined ? {} : { holder };
}

function leftGroup(
  { stream, group }: GroupOfStream,
  { streams }: Status,
  { groupSuffix }: Pick<Config, "groupSuffix">,
): LeftGroup[] {
  const readBy = OPTIONAL[group];
  const found = streams.find(({ name }) => name === stream)?.groups.find((each) => each.group === group);
  const waiting = found?.waiting?.count ?? 0;
  return readBy === undefined || waiting === 0
    ? []
    : [{ stream, group: group + groupSuffix, waiting, readBy }];
}

function heartbeatsOf({ stream, group }: GroupOfStream, { loops, now }: Status) {
  return (
    loops
      .filter((loop) => loop.stream === stream && loop.group === group)
      // One that is ahead is from before Redis' clock was set back, and shows no more than one as long ago.
      .map(({ at, ...loop }) => ({ ...loop, agoMs: Math.abs(now - at) }))
  );
}

const NOTHING_WAITS: WaitingStatus = { count: 0, isExact: true, oldestAt: null, seenMs: 0, strategies: [] };

function waitingHealth(
  { count, isExact, oldestAt, seenMs, strategies: [most, ...others] }: WaitingStatus,
  group: GroupName,
  { now, strategies }: Status,
): WaitingHealth {
  const what = WHAT[group];
  const sampled = others.reduce((sum, other) => sum + other.count, most?.count ?? 0);
  return {
    ...(what === undefined ? {} : { what }),
    count,
    isExact,
    oldestMs: oldestAt === null ? null : waitedMs({ ageMs: now - oldestAt, seenMs }),
    slow: most === undefined ? null : { ...most, name: strategies.names[most.strategyId], sampled },
  };
}

const WHAT: Partial<Record<GroupName, "decide" | "run">> = {
  signal_processor: "decide",
  strategy_executor: "run",
};

/** Groups that are not needed where FUNCTIONS leaves out what reads them. */
const OPTIONAL: Partial<Record<GroupName, FunctionName>> = {
  strategy_executor: "execute-strategies",
  outcome_collector: "collect-outcomes",
};

/** Whether a source is without a secret in this configuration, which serves webhooks. */
function isClosed(name: string, { httpToken, groupSuffix, webhookSourceSecrets }: Config): boolean {
  return httpToken !== undefined && groupSuffix === "" && !Object.hasOwn(webhookSourceSecrets, name);
}

/** Whether the group is needed: by this configuration, or because another process reads it or was killed doing so. */
function isExpected(group: GroupName, { loops }: Status, { functions }: Config): boolean {
  const optional = OPTIONAL[group];
  return optional === undefined || functions.includes(optional) || loops.some((loop) => loop.group === group);
}

/** Whether Postgres answers a trivial query. */
export async function isReachable(database: Database): Promise<boolean> {
  return database.query("SELECT 1").then(
    () => true,
    () => false,
  );
}

/** Whether Postgres answers, and lets the router write its records. Reading the reference reports its own failures. Never rejects. */
export async function postgresHealth(
  database: Database,
  config: Pick<Config, "logRetentionDays">,
): Promise<PostgresHealth & { readonly postgresReachable: boolean }> {
  try {
    const { readOnly, denied } = await readDatabaseRights(database, logPrivileges(config));
    const postgresRefusal = rightsFault({ readOnly, denied });
    return { postgresReachable: true, postgresRefusal };
  } catch (error) {
    const answered = error instanceof DatabaseError && error.sqlstate !== undefined;
    return { postgresReachable: false, ...(answered ? { postgresRefusal: publicReason(error) } : {}) };
  }
}
