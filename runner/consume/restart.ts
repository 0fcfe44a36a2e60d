import { setTimeout as pause } from "node:timers/promises";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { FailureReporter } from "../telemetry/failure-reporter.ts";

export interface RestartOptions {
  readonly stopping: AbortSignal;
  /** When it aborts, nothing is reported and nothing restarted. */
  readonly abort: AbortSignal;
  readonly reporter: FailureReporter;
  /** Called before each pause. */
  readonly onRestart: () => void;
  /** Longest pause, in ms; default 5 s. */
  readonly waitMsMax?: number;
}

const RESTART_MS_MAX = 5_000;

/**
 * Runs until it ends by itself, and again, after a growing pause, each time it throws. `ran` is called by what runs when it
 * has worked: the pauses start over.
 */
export async function restartUntilStopped(
  run: (ran: () => void) => Promise<void>,
  { stopping, abort, reporter, onRestart, waitMsMax = RESTART_MS_MAX }: RestartOptions,
): Promise<void> {
  let inARow = 0;
  const ran = (): void => {
    inARow = 0;
    reporter.recovered();
  };
  for (;;) {
    try {
      await run(ran);
      return;
    } catch (error) {
      if (abort.aborted) return;
      if (stopping.aborted) {
        // What is unavailable now has been reported; anything else would go unnoticed.
        if (!(error instanceof UnavailableError)) reporter.failed(error);
        return;
      }
      onRestart();
      // A group that is gone is dealt with, and reported, at the start of the next run.
      if (!(error instanceof GroupMissingError)) reporter.failed(error);
      inARow += 1;
      const waitMs = Math.random() * Math.min(RESTART_MS_MAX, waitMsMax, 100 * 2 ** inARow);
      await pause(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}
