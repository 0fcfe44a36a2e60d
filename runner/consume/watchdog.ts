import type { FailureReporter } from "../telemetry/failure-reporter.ts";

/** Notices when something that should show a sign of life again and again shows none. */
export interface Watchdog {
  readonly alive: () => void;
  /** The reporter, for which failed attempts are signs of life as well. */
  readonly watching: (reporter: FailureReporter) => FailureReporter;
  readonly close: () => void;
}

export interface WatchdogOptions {
  /** Longest time without a sign of life, in ms. */
  readonly stillMsMax: number;
  /** Called with each sign of life. */
  readonly onAlive?: () => void;
  /** Called once for each such time, with how long it has lasted. */
  readonly onStill: (stillMs: number) => void;
}

export function startWatchdog({ stillMsMax, onAlive, onStill }: WatchdogOptions): Watchdog {
  let lastSign = performance.now();
  const timer = setInterval(() => {
    const stillMs = performance.now() - lastSign;
    if (stillMs < stillMsMax) return;
    lastSign = performance.now();
    onStill(Math.round(stillMs));
  }, stillMsMax / 4);
  const alive = (): void => {
    lastSign = performance.now();
    onAlive?.();
  };
  return {
    alive,
    watching: ({ failed, recovered }) => ({
      failed(error) {
        alive();
        failed(error);
      },
      recovered() {
        alive();
        recovered();
      },
    }),
    close: () => clearInterval(timer),
  };
}
