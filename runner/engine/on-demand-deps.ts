import { TIMER_MS_MAX } from "../../shared/config/config.ts";
import type { Trouble } from "../telemetry/failure-reporter.ts";
import type { WorkDeps } from "./process-batch.ts";

export interface ByHandOptions {
  /** Told what fails on the way. */
  readonly trouble?: Trouble;
  /** Longest time for the whole, in ms. */
  readonly msMax: number;
}

const QUIET: Trouble = { failed: () => undefined, over: () => undefined };

/** For work somebody asked for and wants to know about now: what is away is not waited for, but is `NotNow`. */
export function byHand(
  { commit, clock, events }: Pick<WorkDeps, "commit" | "clock" | "events">,
  { trouble = QUIET, msMax }: ByHandOptions,
): WorkDeps {
  const abort = AbortSignal.timeout(Math.min(msMax, TIMER_MS_MAX));
  return { commit, clock, events, trouble, stopping: AbortSignal.abort(), abort };
}
