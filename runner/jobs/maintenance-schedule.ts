import type { Running } from "../engine/running.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob, type JobSchedule } from "./job-schedule.ts";
import { maintenanceOf, type MaintenanceDeps } from "./maintenance.ts";

const TRIM_EVERY_MS_MIN = 1_000;
const TRIM_EVERY_MS_MAX = 60_000;
const LOG_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 60_000;

/** The jobs that keep streams, log and groups from growing for ever, as far as FUNCTIONS names them. */
export function startMaintenance(deps: MaintenanceDeps): Running {
  const { config, events } = deps;
  const { functions, logRetentionDays, streamRetentionMs } = config;
  const maintenance = maintenanceOf(deps);
  const jobs: JobSchedule[] = [];
  if (functions.includes("trim")) {
    jobs.push(
      startJob({
        async job(stopping) {
          await maintenance.trimStreams(stopping);
        },
        everyMs: Math.max(TRIM_EVERY_MS_MIN, Math.min(TRIM_EVERY_MS_MAX, streamRetentionMs / 10)),
        reporter: failureReporter(events, { source: "trim", what: "streams cannot be trimmed" }),
      }),
    );
  }
  if (functions.includes("trim") && logRetentionDays > 0) {
    jobs.push(
      startJob({
        async job(stopping) {
          const trim = await maintenance.trimLog(stopping);
          if (trim?.error !== undefined) throw new Error(trim.error);
        },
        everyMs: LOG_EVERY_MS,
        retryMs: LOG_EVERY_MS / 10,
        reporter: failureReporter(events, { source: "trim", what: "old rows of the log cannot be removed" }),
      }),
    );
  }
  if (functions.includes("reclaim")) {
    jobs.push(
      startJob({
        job: async () => maintenance.prune(),
        everyMs: PRUNE_EVERY_MS,
        reporter: failureReporter(events, {
          source: "reclaim",
          what: "consumers that are gone cannot be removed",
        }),
      }),
    );
  }
  return {
    async stop() {
      await Promise.all(jobs.map(async (job) => job.stop()));
      return "finished";
    },
  };
}
