import { withManyListeners } from "../../shared/abort.ts";
import { TIMER_MS_MAX } from "../../shared/config/config.ts";
import type { Binding, TimeLimits } from "../engine/binding.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { timeLimit, within } from "../engine/time-limit.ts";

/** The time a call may take, in ms: when it is used, nothing new is started. */
export interface Budget {
  /** Whole milliseconds, as timers want them. */
  leftMs(): number;
  /** Half of what is left, for a part that others follow: none of them can starve the rest. */
  half(): Budget;
  /** When it aborts, nothing is left. */
  readonly stopping: AbortSignal | undefined;
}

/** What is in flight when a budget is used gets this much longer to be committed, in ms; then it is left to other consumers. */
const FINISH_MS_MAX = 3_000;
/** The message when that was not enough. */
export const NOT_IN_TIME = "what was in flight could not be committed in time";

/** `stopping`: of the process, which ends every call. */
export function budgetOf(ms: number, stopping?: AbortSignal): Budget {
  const end = performance.now() + ms;
  const leftMs = (): number =>
    stopping?.aborted === true ? 0 : Math.max(0, Math.ceil(end - performance.now()));
  return { leftMs, half: () => budgetOf(leftMs() / 2, stopping), stopping };
}

/** Work that may have side effects, see {@link Binding.sideEffectMsMax}. */
export type SideEffects = Pick<Binding, "sideEffectMsMax">;

/** What is in flight when a budget is used gets this much longer, in ms: a side effect that has started is finished and recorded. */
export function finishMsOf(works: readonly SideEffects[]): number {
  return FINISH_MS_MAX + Math.max(0, ...works.map(({ sideEffectMsMax = 0 }) => sideEffectMsMax));
}

/**
 * The answer, if it comes within the budget and the time to finish after it. What comes later is dropped, a failure as well; the
 * work itself goes on as far as the process lets it. @throws UnavailableError naming `what` when it takes longer
 */
export async function withinBudget<T>(
  budget: Budget,
  { what, works = [] }: { what: string; works?: readonly SideEffects[] },
  answer: Promise<T>,
): Promise<T> {
  const msMax = Math.min(budget.leftMs() + finishMsOf(works), TIMER_MS_MAX);
  return within(msMax, answer, () => {
    throw new UnavailableError(`${what} did not finish within ${msMax} ms`);
  });
}

/** Each part with its share of the budget, taken when its turn comes: half of what is left, and all of it for the last one. */
export function* sharesOf<Part>(parts: readonly Part[], budget: Budget): Generator<readonly [Part, Budget]> {
  for (const [i, part] of parts.entries()) yield [part, i < parts.length - 1 ? budget.half() : budget];
}

/** Signals for work that takes long: when to start nothing more, and when to end what is in flight. */
export function timeLimitsOf(budget: Budget, work: SideEffects): TimeLimits {
  const leftMs = budget.leftMs();
  const abortMs = Math.min(leftMs + finishMsOf([work]), TIMER_MS_MAX);
  return {
    stopping: timeLimit(leftMs, budget.stopping),
    abort: withManyListeners(AbortSignal.timeout(abortMs)),
  };
}
