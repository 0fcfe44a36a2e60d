import { TIMER_MS_MAX } from "../../shared/config/config.ts";

/**
 * Aborts after so many ms, or with `stopping`, whichever comes first; keeps no process alive. Not AbortSignal.any, which holds
 * what it is made of weakly (Node 20): a timeout among them may be collected, and never come.
 */
export function timeLimit(ms: number, stopping?: AbortSignal): AbortSignal {
  const limit = new AbortController();
  const end = (): void => {
    clearTimeout(timer);
    stopping?.removeEventListener("abort", end);
    limit.abort();
  };
  const timer = setTimeout(end, Math.min(ms, TIMER_MS_MAX)).unref();
  stopping?.addEventListener("abort", end);
  if (stopping?.aborted === true) end();
  return limit.signal;
}
