/** The time limit of a run, which stands still while the run waits for a connection. */
export interface RunLimit {
  /** Stops the time until the answer is called; of several at once, until the last. */
  readonly hold: () => () => void;
  /** Whether the time stands still. */
  readonly isHeld: boolean;
  /** Ends the limit: `onEnd` is no longer called. */
  close(): void;
}

export interface RunLimitOptions {
  /** Longest time of the run, in ms. */
  readonly msMax: number;
  /** Longest time that the limit stands still, in ms; after that it goes on. */
  readonly heldMsMax: number;
  readonly onEnd: () => void;
}

/** Starts a limit. */
export function startRunLimit({ msMax, heldMsMax, onEnd }: RunLimitOptions): RunLimit {
  const left = { running: msMax, held: heldMsMax };
  let holds = 0;
  let since = performance.now();
  let timer: NodeJS.Timeout;
  const state = (): keyof typeof left => (holds > 0 && left.held > 0 ? "held" : "running");

  /** Takes the time since the last call off what is left. */
  function settle(): void {
    const now = performance.now();
    left[state()] -= now - since;
    since = now;
  }

  function startTimer(): void {
    clearTimeout(timer);
    if (state() === "running") timer = setTimeout(onEnd, Math.max(0, left.running));
    else timer = setTimeout(endHold, left.held);
  }

  function endHold(): void {
    settle();
    left.held = 0;
    startTimer();
  }

  function change(by: 1 | -1): void {
    settle();
    holds += by;
    startTimer();
  }

  timer = setTimeout(onEnd, msMax);
  return {
    hold() {
      let isOver = false;
      change(1);
      return () => {
        if (isOver) return;
        isOver = true;
        change(-1);
      };
    },
    get isHeld() {
      return state() === "held";
    },
    close: () => clearTimeout(timer),
  };
}
