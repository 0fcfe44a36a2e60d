import type { FailureReporter } from "./failure-reporter.ts";

/** Writes what has gathered in this process together, a moment later, so that nothing waits for it. */
export function delayedWrite(
  write: () => Promise<void>,
  { delayMs, reporter }: DelayedWriteOptions,
): DelayedWrite {
  let timer: NodeJS.Timeout | undefined;
  let written: Promise<void> = Promise.resolve();
  let isClosed = false;

  function requestIn(ms: number): void {
    // It does not keep the process alive.
    if (!isClosed) timer ??= setTimeout(() => void writeNow(), ms).unref();
  }

  async function writeNow(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    written = written.then(write).then(reporter.recovered, (error: unknown) => {
      if (isClosed) return;
      reporter.failed(error);
      requestIn(Math.max(delayMs, RETRY_MS));
    });
    return written;
  }

  return {
    request: () => requestIn(delayMs),
    flush: writeNow,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

export interface DelayedWriteOptions {
  readonly delayMs: number;
  /** Is told when a write fails; it is repeated a little later. */
  readonly reporter: FailureReporter;
}

export interface DelayedWrite {
  /** Asks for a write; several requests within the delay are one. */
  request(): void;
  /** Writes now. Never rejects. */
  flush(): Promise<void>;
  close(): void;
}

const RETRY_MS = 2_000;
