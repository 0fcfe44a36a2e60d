import packageJson from "../../package.json" with { type: "json" };
import { PAUSE_ALL } from "../../shared/decide/control.ts";
import type { Health } from "../../shared/health/health.ts";
import { isSilentRouter } from "../../shared/io/leases/router-registry.ts";
import type { HolderStatus } from "../../shared/io/status/holder-status.ts";
import type { Status } from "../../shared/io/status/status.ts";
import type { GroupStatus } from "../../shared/io/status/stream-status.ts";
import type { RedisRefusal } from "../../shared/redis-refusal.ts";
import type { Family, Labels, Sample } from "./counter-metrics.ts";

/** The Prometheus metrics of the router's health and of the servers it needs. */
export function reachabilityMetrics({
  redisReachable,
  refusals,
  postgresReachable,
  health,
}: Reachability): Family[] {
  return [
    gauge("redis_up", "1 while Redis answers.", [{ labels: {}, value: Number(redisReachable) }]),
    gauge(
      "redis_refuses_writes",
      "1 for the code of the error with which Redis refuses writes, such as OOM, MISCONF or READONLY.",
      refusals.map(({ code }) => ({ labels: { code }, value: 1 })),
    ),
    gauge("postgres_up", "1 while Postgres answers.", [{ labels: {}, value: Number(postgresReachable) }]),
    gauge(
      "health",
      "1 for the current state; degraded: signals are decided, but something needs attention.",
      HEALTHS.map((status) => ({ labels: { status }, value: Number(status === health.status) })),
    ),
  ];
}

const HEALTHS: readonly Health["status"][] = ["ready", "degraded", "not_ready"];

interface Reachability {
  readonly redisReachable: boolean;
  readonly refusals: readonly RedisRefusal[];
  readonly postgresReachable: boolean;
  readonly health: Health;
}

/** Which program this is. */
export function buildMetrics(): Family[] {
  const labels = { version: packageJson.version, node: process.version };
  return [gauge("build_info", "1 for the version of the router, and of Node.", [{ labels, value: 1 }])];
}

/** The Prometheus metrics of what Redis contains now. */
export function currentMetrics(status: Status): Family[] {
  const { streams, reference, now } = status;
  const { version, confirmedAt } = reference;
  const { used, max } = status.server.memory;
  return [
    gauge("redis_memory_used_bytes", "Memory Redis uses; absent where it does not say.", bytes(used)),
    gauge(
      "redis_memory_max_bytes",
      "maxmemory of Redis, at which it refuses writes; absent without a limit.",
      bytes(max === 0 ? null : max),
    ),
    gauge(
      "stream_length",
      "Entries in a stream.",
      streams.map(({ name, length }) => ({ labels: { stream: name }, value: length })),
    ),
    gauge(
      "group_pending",
      "Entries delivered and not acknowledged.",
      perGroup(status, ({ pending }) => pending),
    ),
    gauge(
      "group_lag",
      "Entries not delivered yet; absent while Redis does not know.",
      perGroup(status, ({ lag }) => lag),
    ),
    gauge(
      "group_oldest_pending_seconds",
      "Age of the oldest entry that is delivered and not acknowledged; 0 when there is none.",
      perGroup(status, ({ oldestPendingAt }) =>
        oldestPendingAt === null ? 0 : ageSeconds(now, oldestPendingAt),
      ),
    ),
    gauge(
      "group_holder",
      "1 for the router that holds a group which keeps its order; absent while none does.",
      holderSamples(status, ({ runner }) => ({ labels: { consumer: runner ?? "" }, value: 1 })),
    ),
    gauge(
      "group_lease_age_seconds",
      "Time since the lease of a group was renewed; a third of LEASE_MS or less while its holder is well.",
      holderSamples(status, ({ renewedAt }) => ({ labels: {}, value: ageSeconds(now, renewedAt ?? now) })),
    ),
    gauge("routers", "Routers that run and give signs of life.", [
      { labels: {}, value: status.routers.filter((router) => !isSilentRouter(router, now)).length },
    ]),
    gauge(
      "snapshot_age_seconds",
      "Time since the reference was last confirmed to be that of Postgres.",
      confirmedAt === null ? [] : [{ labels: {}, value: ageSeconds(now, confirmedAt) }],
    ),
    gauge(
      "snapshot_info",
      "1 for the version of the reference that decisions are made on.",
      version === null ? [] : [{ labels: { version }, value: 1 }],
    ),
    gauge(
      "dead_letters",
      "Dead letters that have not been retried or discarded.",
      streams
        .filter(({ name }) => name === "dead_letters")
        .map(({ length }) => ({ labels: {}, value: length })),
    ),
    gauge("shadow", "1 for a router that only decides and records (SHADOW).", [
      { labels: {}, value: Number(status.shadow.isShadow) },
    ]),
    gauge("paused", "1 for what is paused: all, or the id of a strategy.", pausedSamples(status)),
  ];
}

function bytes(value: number | null): Sample[] {
  return value === null ? [] : [{ labels: {}, value }];
}

/** Only of the router's own groups, so that the number of series is bounded. */
function perGroup({ streams }: Status, valueOf: (group: GroupStatus) => number | null): Sample[] {
  return streams.flatMap(({ name: stream, groups }) =>
    groups.flatMap((group) => {
      const value = valueOf(group);
      const labels: Labels = { stream, group: group.name };
      return group.own && value !== null ? [{ labels, value }] : [];
    }),
  );
}

/** Of each group that has a holder. */
function holderSamples({ holders }: Status, sampleOf: (holder: HolderStatus) => Sample): Sample[] {
  return holders
    .filter(({ status }) => status === "held")
    .map((holder) => {
      const { labels, value } = sampleOf(holder);
      return { labels: { group: holder.group, ...labels }, value };
    });
}

function pausedSamples({ paused }: Status): Sample[] {
  return Object.keys(paused).flatMap((scope) => {
    if (scope === PAUSE_ALL) return [{ labels: { scope: "all" }, value: 1 }];
    return /^\d{1,15}$/.test(scope) ? [{ labels: { scope }, value: 1 }] : [];
  });
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

/** An explicit entry id may lie in the future. */
function ageSeconds(now: number, at: number): number {
  return Math.max(0, now - at) / 1000;
}
