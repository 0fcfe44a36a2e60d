import type { Result, Unavailable } from "./function.ts";

/** The results of tasks that run in parallel, in the order in which the tasks end, for the one reader that commits them. */
export interface ResultChannel {
  /** True when the reader has gone: what is done from here on could not be recorded. */
  readonly isClosed: boolean;
  /** Resolves when the result has been committed, as far as it will be. */
  push(result: Result | Unavailable): Promise<void>;
  /** Called once for each task, when nothing more comes from it. */
  taskEnded(): void;
  /** The same, for a task that threw. */
  taskFailed(error: unknown): void;
  /** Takes out what has been pushed since the last call. */
  drain(): readonly PushedResult[];
  /** Waits until there is something to drain; false when nothing more comes. */
  more(): Promise<boolean>;
  /** Throws the error of the first task that threw, if there is one. */
  throwFailure(): void;
  close(): void;
}

export interface PushedResult {
  readonly result: Result | Unavailable;
  /** To be called when the result has been committed, as far as it will be. */
  readonly settled: () => void;
}

export function openResultChannel(tasks: number): ResultChannel {
  const failures: unknown[] = [];
  let waiting: PushedResult[] = [];
  let running = tasks;
  let closed = false;
  let wake = (): void => undefined;
  const taskEnded = (): void => {
    running -= 1;
    wake();
  };
  return {
    get isClosed() {
      return closed;
    },
    async push(result) {
      if (closed) return;
      await new Promise<void>((settled) => {
        waiting.push({ result, settled });
        wake();
      });
    },
    taskEnded,
    taskFailed(error) {
      failures.push(error);
      taskEnded();
    },
    drain() {
      const pushed = waiting;
      waiting = [];
      return pushed;
    },
    async more() {
      if (waiting.length > 0) return true;
      if (running === 0) return false;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      return true;
    },
    throwFailure() {
      if (failures.length > 0) throw failures[0];
    },
    close() {
      closed = true;
      for (const { settled } of waiting) settled();
    },
  };
}
