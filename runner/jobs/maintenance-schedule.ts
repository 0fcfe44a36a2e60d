import type { Running } from "../../shared/running.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob, type JobOptions } from "./job-schedule.ts";
import { maintenanceOf, type MaintenanceDeps } from "./maintenance.ts";

const TRIM_EVERY_MS_MIN = 1_000;
/** A Redis that is full must not wait long for what trimming frees. */
const TRIM_EVERY_MS_MAX = 10_000;
const LOG_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 60_000;

/** Starts the jobs that keep streams, log and groups from growing for ever, as far as FUNCTIONS names them. */
export function startMaintenance(deps: MaintenanceDeps): Running {
  const { functions, logRetentionDays, streamRetentionMs } = deps.config;
  const maintenance = maintenanceOf(deps);
  const start = (source: "trim" | "reclaim", what: string, job: Omit<JobOptions, "reporter">): Running[] =>
    functions.includes(source)
      ? [startJob({ ...job, reporter: failureReporter(deps.events, { source, what }) })]
      : [];
  const trimLog = async (stopping: AbortSignal): Promise<void> => {
    const trim = await maintenance.trimLog(stopping);
    if (trim?.error !== undefined) throw new Error(trim.error);
  };
  const jobs = [
    ...start("trim", "streams cannot be trimmed", {
      job: async (stopping) => maintenance.trimStreams(stopping),
      everyMs: Math.max(TRIM_EVERY_MS_MIN, Math.min(TRIM_EVERY_MS_MAX, streamRetentionMs / 10)),
    }),
    ...(logRetentionDays === 0
      ? []
      : start("trim", "old rows of the log cannot be removed", {
          job: trimLog,
          everyMs: LOG_EVERY_MS,
          retryMs: LOG_EVERY_MS / 10,
        })),
    ...start("reclaim", "consumers that are gone cannot be removed", {
      job: async () => maintenance.prune(),
      everyMs: PRUNE_EVERY_MS,
    }),
  ];
  return {
    async stop() {
      await Promise.all(jobs.map(async (job) => job.stop()));
      return "finished";
    },
  };
}
