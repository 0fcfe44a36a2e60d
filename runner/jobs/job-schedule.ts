import type { Running } from "../../shared/running.ts";
import type { FailureReporter } from "../telemetry/failure-reporter.ts";

export interface JobOptions {
  /** The signal aborts when the schedule is stopped. */
  readonly job: (stopping: AbortSignal) => Promise<unknown>;
  /** Time from the end of one run to the next; up to a tenth is taken off at random, so that processes drift apart. */
  readonly everyMs: number;
  /** A run that failed is repeated after this long, if that is sooner. */
  readonly retryMs?: number;
  /** Shortest time from the end of a run that took `tookMs` to one that was asked for; default 0. */
  readonly restMs?: (tookMs: number) => number;
  readonly reporter: FailureReporter;
}

/** Runs a job at once and again and again, never twice at a time, until it is stopped. */
export interface JobSchedule extends Running {
  /** Asks for a run now; if one is in flight, another follows it, since that one may have read too early. */
  request(): void;
}

export function startJob({
  job,
  everyMs,
  retryMs = everyMs,
  restMs = () => 0,
  reporter,
}: JobOptions): JobSchedule {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  /** From `performance.now()`. */
  let restsUntil = -Infinity;

  function request(): void {
    if (stopping.signal.aborted) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    const leftMs = restsUntil - performance.now();
    if (leftMs > 0) runIn(leftMs);
    else run();
  }

  function runIn(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  }

  function run(): void {
    clearTimeout(timer);
    running = runOnce().then((nextMs) => {
      running = undefined;
      if (stopping.signal.aborted) return;
      if (again) {
        again = false;
        request();
      } else {
        runIn(nextMs);
      }
    });
  }

  /** Gives the time to wait until the next run. */
  async function runOnce(): Promise<number> {
    const startedAt = performance.now();
    try {
      await job(stopping.signal);
      reporter.recovered();
      return everyMs * (1 - Math.random() / 10);
    } catch (error) {
      reporter.failed(error);
      return Math.min(everyMs, retryMs);
    } finally {
      const endedAt = performance.now();
      restsUntil = endedAt + restMs(endedAt - startedAt);
    }
  }

  request();
  return {
    request,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
      return "finished";
    },
  };
}
