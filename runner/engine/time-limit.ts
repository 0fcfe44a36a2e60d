import { onAbort, withManyListeners } from "../../shared/abort.ts";
import { TIMER_MS_MAX } from "../../shared/config/config.ts";

/**
 * Aborts after so many ms, or with `stopping`, whichever comes first; keeps no process alive. Not AbortSignal.any, which holds
 * what it is made of weakly (Node 20): a timeout among them may be collected, and never come.
 */
export function timeLimit(ms: number, stopping?: AbortSignal): AbortSignal {
  const limit = new AbortController();
  let stopListening = (): void => undefined;
  const end = (): void => {
    clearTimeout(timer);
    stopListening();
    limit.abort();
  };
  const timer = setTimeout(end, Math.min(ms, TIMER_MS_MAX)).unref();
  if (stopping !== undefined) stopListening = onAbort(stopping, end);
  return withManyListeners(limit.signal);
}

/**
 * The answer, or what `late` gives when it takes longer than `msMax`. What comes after that is dropped, a failure as well; the
 * work itself goes on. @throws whatever the work or `late` throws
 */
export async function within<T, U>(msMax: number, answer: Promise<T>, late: () => U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(msMax, TIMER_MS_MAX));
  });
  try {
    return await Promise.race([answer, timeIsUp.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
