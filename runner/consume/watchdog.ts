/** Notices when something that should show signs of life all the time shows none. */
export interface Watchdog {
  readonly alive: () => void;
  readonly close: () => void;
}

export interface WatchdogOptions {
  /** Longest time without a sign of life, in ms. */
  readonly stillMsMax: number;
  /** Called once for each such time, with how long it has lasted. */
  readonly onStill: (stillMs: number) => void;
}

export function startWatchdog({ stillMsMax, onStill }: WatchdogOptions): Watchdog {
  let lastSign = performance.now();
  const timer = setInterval(() => {
    const stillMs = performance.now() - lastSign;
    if (stillMs < stillMsMax) return;
    lastSign = performance.now();
    onStill(Math.round(stillMs));
  }, stillMsMax / 4);
  return {
    alive: () => {
      lastSign = performance.now();
    },
    close: () => clearInterval(timer),
  };
}
