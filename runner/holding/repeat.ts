/** Calls `run` again and again, one call at a time, until it is stopped. */
export interface Repeated {
  /** The next call comes now, or right after the one that is under way. */
  hurry(): void;
  /** No further call begins. Resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/** `run` gives the time until the next call, in ms, counted from its own beginning, and never rejects. */
export function repeat(run: () => Promise<number>): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isHurried = false;
  let isStopped = false;

  async function turn(): Promise<void> {
    isHurried = false;
    const startedAt = performance.now();
    const nextMs = await run();
    running = undefined;
    if (isStopped) return;
    const waitMs = isHurried ? 0 : Math.max(0, startedAt + nextMs - performance.now());
    timer = setTimeout(start, waitMs);
  }
  function start(): void {
    running = turn();
  }

  start();
  return {
    hurry() {
      isHurried = true;
      if (isStopped || running !== undefined) return;
      clearTimeout(timer);
      start();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
