import { onAbort, withManyListeners } from "../../shared/abort.ts";
import { startRunLimit } from "./run-limit.ts";

/** How a run came to its end. */
export type Ended =
  | { readonly how: "returned"; readonly value: unknown }
  | { readonly how: "threw"; readonly error: unknown }
  | { readonly how: "timeout" }
  /** The process has to stop. */
  | { readonly how: "cut_off" };

/** The time of one run. */
export interface RunTime {
  /** Aborts when the run has to end. */
  readonly abort: AbortSignal;
  /** Stops the limit until the answer is called, while the run waits for a connection. */
  readonly hold: () => () => void;
}

export interface RunTimeLimits {
  /** STRATEGY_TIMEOUT_MS */
  readonly timeoutMs: number;
  /** Longest time that a run may wait for its connections beside that, in ms. */
  readonly connectionMsMax: number;
  /** Aborts every run, because the process has to stop. */
  readonly abort: AbortSignal;
}

/**
 * Waits for the run or for its time limit, whichever comes first; the result of a run that ignores its abort is dropped.
 */
export async function runInTime(
  { timeoutMs, connectionMsMax, abort }: RunTimeLimits,
  run: (time: RunTime) => unknown,
): Promise<Ended> {
  const over = new AbortController();
  let cut = (_how: "timeout" | "cut_off"): void => undefined;
  const cutShort = new Promise<Ended>((resolve) => {
    cut = (how) => {
      resolve({ how });
      over.abort(new Error(how === "timeout" ? "STRATEGY_TIMEOUT_MS has passed" : "the router is stopping"));
    };
  });
  const limit = startRunLimit({ msMax: timeoutMs, heldMsMax: connectionMsMax, onEnd: () => cut("timeout") });
  const stopListening = onAbort(abort, () => cut("cut_off"));
  const running = (async (): Promise<Ended> => {
    try {
      return {
        how: "returned",
        value: await run({ abort: withManyListeners(over.signal), hold: limit.hold }),
      };
    } catch (error) {
      return { how: "threw", error };
    }
  })();
  try {
    return await Promise.race([cutShort, running]);
  } finally {
    limit.close();
    stopListening();
  }
}
