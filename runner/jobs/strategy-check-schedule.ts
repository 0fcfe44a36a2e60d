import type { Running } from "../../shared/running.ts";
import type { Services } from "../setup/services.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob } from "./job-schedule.ts";

const CHECK_EVERY_MS = 2_000;

/** Keeps health informed about the strategies that this process cannot run, until it is stopped. */
export function startStrategyCheck({
  strategyCheck,
  consumer,
  events,
  logger,
}: StrategyCheckScheduleDeps): Running {
  const what = "health cannot be told which strategies this process cannot run";
  const job = startJob({
    job: async () => strategyCheck.report(consumer),
    everyMs: CHECK_EVERY_MS,
    reporter: failureReporter(events, { source: "execute-strategies", what }),
  });
  return {
    async stop() {
      await job.stop();
      await strategyCheck
        .remove(consumer)
        .catch((error: unknown) =>
          logger.debug({ err: error }, "the report on strategies could not be removed"),
        );
      return "finished";
    },
  };
}

export type StrategyCheckScheduleDeps = Pick<Services, "strategyCheck" | "consumer" | "events" | "logger">;
