import type { Redis } from "ioredis";
import { isCompatOn } from "../../shared/io/postgres/compat-view.ts";
import { DatabaseError, type Database } from "../../shared/io/postgres/database.ts";
import type { Keys } from "../../shared/keys.ts";
import { oldMetricsOf, type Counters } from "../../shared/old-metrics.ts";
import type { Running } from "../../shared/running.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob } from "./job-schedule.ts";

export interface OldMetricsDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly database: Database;
  readonly events: EventLog;
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;

/** Copies the counters to the hash `metrics:signals` as long as the UI of the system before reads this router's log. */
export function startOldMetrics({
  redis,
  keys,
  database,
  events,
  everyMs = EVERY_MS,
}: OldMetricsDeps): Running {
  let isOn = false;
  let before: Counters | undefined;

  async function look(): Promise<void> {
    try {
      isOn = await isCompatOn(database);
    } catch (error) {
      // Health says that Postgres is unavailable; until then it is as it was.
      if (!(error instanceof DatabaseError)) throw error;
    }
  }

  return startJob({
    async job() {
      // Each time: after `--compat off` the hash belongs to the old router again.
      await look();
      if (!isOn) return;
      const fields = Object.entries(await redis.hgetall(keys.metrics));
      const counters = Object.fromEntries(fields.map(([field, value]) => [field, Number(value)]));
      await redis.hset(keys.oldMetrics, { ...oldMetricsOf(counters, before) });
      before = counters;
    },
    everyMs,
    reporter: failureReporter(events, { source: "metrics", what: `${keys.oldMetrics} cannot be written` }),
  });
}
