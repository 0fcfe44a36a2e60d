import type { Redis } from "ioredis";
import {
  LOG_TABLES,
  lossWarnings,
  trimLog,
  trimStreams,
  type LogTrim,
  type Losing,
  type StreamTrim,
} from "../../functions/trim.ts";
import type { Config } from "../../shared/config/config.ts";
import { removeDeadRouters } from "../../shared/io/leases/router-registry.ts";
import { logRetentionOn } from "../../shared/io/log/log-retention.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { readTime, type Clock } from "../../shared/io/redis/clock.ts";
import { removeOrphanedReports } from "../../shared/io/status/unusable-reports.ts";
import { readHeartbeats, removeSilentHeartbeats } from "../../shared/io/streams/consumer-heartbeats.ts";
import { pruneConsumers } from "../../shared/io/streams/consumers.ts";
import { consumersOf } from "../../shared/io/streams/foreign-consumers.ts";
import { fieldsOfGroup, removeOldHeartbeats } from "../../shared/io/streams/in-flight-heartbeats.ts";
import { streamTrimmerOn } from "../../shared/io/streams/stream-trimmer.ts";
import { BEST_EFFORT_GROUPS, groupsOf, type Keys } from "../../shared/keys.ts";
import type { EventLog } from "../telemetry/event-log.ts";

export interface MaintenanceDeps {
  readonly config: Config;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly database: Database;
  readonly clock: Clock;
  readonly events: EventLog;
}

/** What keeps streams, log and groups from growing for ever; a schedule or a request calls it now and then. */
export interface Maintenance {
  /** Publishes a warning about each group that begins to lose entries. */
  trimStreams(stopping: AbortSignal): Promise<readonly StreamTrim[]>;
  /** Undefined without LOG_RETENTION_DAYS. */
  trimLog(stopping: AbortSignal): Promise<LogTrim | undefined>;
  /** Removes consumers and heartbeats of processes that are gone. What they left pending is reclaimed first. */
  prune(): Promise<void>;
}

const PRUNE_IDLE_MS_MIN = 60_000;

/** The maintenance of one router; it remembers the groups it has warned about. */
export function maintenanceOf({
  config,
  redis,
  keys,
  database,
  clock,
  events,
}: MaintenanceDeps): Maintenance {
  const { streamRetentionMs: retentionMs, logRetentionDays: retentionDays } = config;
  const trimmer = streamTrimmerOn(redis, keys, { retentionMs });
  const log = logRetentionOn(database, keys.shard);
  const pruneIdleMs = Math.max(10 * config.claimIdleMs, 3 * config.blockMs, PRUNE_IDLE_MS_MIN);
  // A router with GROUP_SUFFIX removes no events of other routers.
  const tables = LOG_TABLES.filter((table) => keys.suffix === "" || table !== "system_log");
  let losing: Losing = new Set();
  return {
    async trimStreams(stopping) {
      const trims = await trimStreams({ trimmer, stopping });
      const warnings = lossWarnings(trims, losing);
      losing = warnings.losing;
      for (const event of warnings.events) events.publish(event);
      return trims;
    },
    async trimLog(stopping) {
      if (retentionDays === 0) return undefined;
      return trimLog({ log, retentionDays, now: clock.now(), stopping, tables });
    },
    async prune() {
      for (const { stream, group } of [...groupsOf(keys), ...BEST_EFFORT_GROUPS])
        await pruneConsumers(redis, keys, { stream, group, idleMs: pruneIdleMs });
      const now = await readTime(redis);
      await removeSilentHeartbeats(redis, keys, now);
      await removeDeadRouters(redis, keys, now);
      const members = (
        await Promise.all(groupsOf(keys).map(async (of) => consumersOf(redis, keys, of)))
      ).flat();
      const kept = new Set(members.map((one) => fieldsOfGroup(one) + one.consumer));
      await removeOldHeartbeats(redis, keys, { now, kept });
      const loops = await readHeartbeats(redis, keys);
      await removeOrphanedReports(redis, keys, new Set(loops.map(({ consumer }) => consumer)));
    },
  };
}
