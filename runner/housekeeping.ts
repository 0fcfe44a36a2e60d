import type { Redis } from "ioredis";
import { lossWarnings, trimLog, trimStreams, type Losing } from "../functions/trim.ts";
import type { Config } from "../shared/config.ts";
import { pruneConsumers } from "../shared/io/consumers.ts";
import { forgetSilentTurns } from "../shared/io/loop-turns.ts";
import type { Database } from "../shared/io/database.ts";
import { logRetentionOn } from "../shared/io/log-retention.ts";
import { streamTrimmerOn } from "../shared/io/stream-trimmer.ts";
import { GROUPS, BEST_EFFORT_GROUPS, type Keys } from "../shared/keys.ts";
import type { Clock } from "./clock.ts";
import type { EventLog } from "./event-log.ts";
import { startJob, type JobSchedule } from "./job-schedule.ts";
import { troubleOf } from "./trouble.ts";

export interface HousekeepingDeps {
  readonly config: Config;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly database: Database;
  readonly clock: Clock;
  readonly events: EventLog;
}

const TRIM_EVERY_MS_MIN = 1_000;
const TRIM_EVERY_MS_MAX = 60_000;
const LOG_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_IDLE_MS_MIN = 60_000;

/** The jobs that keep streams, log and groups from growing for ever, as far as FUNCTIONS names them. */
export function startHousekeeping(deps: HousekeepingDeps): { stop(): Promise<void> } {
  const { functions, logRetentionDays } = deps.config;
  const jobs: JobSchedule[] = [];
  if (functions.includes("trim")) jobs.push(trimmingOfStreams(deps));
  if (functions.includes("trim") && logRetentionDays > 0) jobs.push(trimmingOfLog(deps));
  if (functions.includes("reclaim")) jobs.push(pruning(deps));
  return {
    async stop() {
      await Promise.all(jobs.map(async (job) => job.stop()));
    },
  };
}

function trimmingOfStreams({ config, redis, keys, events }: HousekeepingDeps): JobSchedule {
  const { streamRetentionMs: retentionMs } = config;
  const trimmer = streamTrimmerOn(redis, keys, { retentionMs });
  let losing: Losing = new Set();
  return startJob({
    async job(stopping) {
      const warnings = lossWarnings(await trimStreams({ trimmer, stopping }), losing);
      losing = warnings.losing;
      for (const event of warnings.events) events.publish(event);
    },
    everyMs: Math.max(TRIM_EVERY_MS_MIN, Math.min(TRIM_EVERY_MS_MAX, retentionMs / 10)),
    trouble: troubleOf(events, { source: "trim", what: "streams cannot be trimmed" }),
  });
}

function trimmingOfLog({ config, keys, database, clock, events }: HousekeepingDeps): JobSchedule {
  const log = logRetentionOn(database, keys.prefix);
  const { logRetentionDays: retentionDays } = config;
  return startJob({
    async job(stopping) {
      const { error } = await trimLog({ log, retentionDays, now: clock.now(), stopping });
      if (error !== undefined) throw new Error(error);
    },
    everyMs: LOG_EVERY_MS,
    retryMs: LOG_EVERY_MS / 10,
    trouble: troubleOf(events, { source: "trim", what: "old rows of the log cannot be removed" }),
  });
}

/** Consumers of processes that have gone for good. What they left behind is taken over first. */
function pruning({ config, redis, keys, clock, events }: HousekeepingDeps): JobSchedule {
  const idleMs = Math.max(10 * config.claimIdleMs, 3 * config.blockMs, PRUNE_IDLE_MS_MIN);
  return startJob({
    async job() {
      for (const { stream, group } of [...GROUPS, ...BEST_EFFORT_GROUPS])
        await pruneConsumers(redis, keys, { stream, group, idleMs });
      await forgetSilentTurns(redis, keys, clock.now());
    },
    everyMs: PRUNE_EVERY_MS,
    trouble: troubleOf(events, { source: "reclaim", what: "consumers that have gone cannot be removed" }),
  });
}
