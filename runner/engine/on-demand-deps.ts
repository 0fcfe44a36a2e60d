import { TIMER_MS_MAX } from "../../shared/config/config.ts";
import type { FailureReporter } from "../telemetry/failure-reporter.ts";
import type { ProcessDeps } from "./process-batch.ts";

export interface OnDemandOptions {
  /** Told what fails on the way. */
  readonly reporter?: FailureReporter;
  /** Longest time for the whole, in ms. */
  readonly msMax: number;
}

const QUIET: FailureReporter = { failed: () => undefined, recovered: () => undefined };

/** For work somebody asked for and wants to know about now: what is away is not waited for, but is `NotNow`. */
export function onDemandDeps(
  { commit, clock, events }: Pick<ProcessDeps, "commit" | "clock" | "events">,
  { reporter = QUIET, msMax }: OnDemandOptions,
): ProcessDeps {
  const abort = AbortSignal.timeout(Math.min(msMax, TIMER_MS_MAX));
  return { commit, clock, events, reporter, stopping: AbortSignal.abort(), abort };
}
