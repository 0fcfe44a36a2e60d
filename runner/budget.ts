import { setTimeout as pause } from "node:timers/promises";
import { NotNow } from "./keep-trying.ts";

/** The time a call may take, in ms: when it is used, nothing new is begun. */
export interface Budget {
  /** Whole milliseconds, as timers want them. */
  leftMs(): number;
  /** Half of what is left, for a part that others come after: none of them can starve the rest. */
  half(): Budget;
}

/** What is in hand when a budget is used gets this much longer to be finished, in ms; then it is left to others. */
export const FINISH_MS_MAX = 3_000;
/** Said when that was not enough. */
export const NOT_IN_TIME = "what was in hand could not be committed in time";

export function budgetOf(ms: number): Budget {
  const end = performance.now() + ms;
  const leftMs = (): number => Math.max(0, Math.ceil(end - performance.now()));
  return { leftMs, half: () => budgetOf(leftMs() / 2) };
}

/**
 * The answer, if it comes within the budget and {@link FINISH_MS_MAX}. What comes later is dropped, a failure as well; the
 * work itself goes on as far as the process lets it. @throws NotNow naming `what` when it takes longer
 */
export async function within<T>(budget: Budget, what: string, answer: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const msMax = budget.leftMs() + FINISH_MS_MAX;
  const timeIsUp = pause(msMax, undefined, { signal: answered.signal }).then(() => {
    throw new NotNow(`${what} did not finish within ${msMax} ms`);
  });
  try {
    return await Promise.race([answer, timeIsUp]);
  } finally {
    answered.abort();
  }
}

/** Signals for work that takes its time: when to begin nothing more, and when to end what is under way. */
export function timesOf(budget: Budget): { readonly stopping: AbortSignal; readonly abort: AbortSignal } {
  const leftMs = budget.leftMs();
  return { stopping: AbortSignal.timeout(leftMs), abort: AbortSignal.timeout(leftMs + FINISH_MS_MAX) };
}
