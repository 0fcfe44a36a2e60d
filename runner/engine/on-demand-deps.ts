import { withManyListeners } from "../../shared/abort.ts";
import { TIMER_MS_MAX } from "../../shared/config/config.ts";
import type { ProcessDeps } from "./process-batch.ts";

/** What a batch is processed with when the caller waits for the answer: what is unavailable is not waited for. */
export interface OnDemandDeps extends ProcessDeps {
  /** The last failure on the way, other than that the time is up: it says more than that does. */
  readonly lastFailure: () => unknown;
}

/** @param options `msMax`: longest time for the whole, in ms */
export function onDemandDeps(
  { commit, clock, events }: Pick<ProcessDeps, "commit" | "clock" | "events">,
  { msMax }: { readonly msMax: number },
): OnDemandDeps {
  let lastFailure: unknown;
  const failed = (error: unknown): void => {
    if (!(error instanceof DOMException)) lastFailure = error;
  };
  return {
    commit,
    clock,
    events,
    reporter: { failed, recovered: () => undefined },
    stopping: AbortSignal.abort(),
    abort: withManyListeners(AbortSignal.timeout(Math.min(msMax, TIMER_MS_MAX))),
    lastFailure: () => lastFailure,
  };
}
