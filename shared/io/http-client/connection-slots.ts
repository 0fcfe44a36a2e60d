import { onAbort } from "../../abort.ts";
import { keyedLimit } from "../../keyed-limit.ts";
import { RetryableError } from "../../strategy.ts";

/** Waits until one more connection to the host is allowed; the answer gives it back. */
export type TakeSlot = (host: string, abort: AbortSignal) => Promise<() => void>;

export interface ConnectionSlotsOptions {
  /** STRATEGY_CONNECTIONS_PER_HOST_MAX; undefined: no limit. */
  readonly perHostMax: number | undefined;
  /** Longest wait, in ms. */
  readonly waitMsMax: number;
}

/**
 * The connections of one process, counted by host. A wait throws RetryableError when it is too long, and the reason of
 * `abort` once that is aborted; nothing has been sent then.
 */
export function connectionSlots({ perHostMax, waitMsMax }: ConnectionSlotsOptions): TakeSlot {
  if (perHostMax === undefined) return async () => () => undefined;
  const limit = keyedLimit<string>(perHostMax);
  return async (host, abort) =>
    new Promise((resolve, reject) => {
      let isGivenUp = false;
      const giveUp = (why: unknown): void => {
        isGivenUp = true;
        clearTimeout(timer);
        reject(why instanceof Error ? why : new Error(String(why)));
      };
      const timer = setTimeout(() => {
        stopListening();
        giveUp(new RetryableError(waitedTooLong(host, { perHostMax, waitMsMax })));
      }, waitMsMax);
      const stopListening = onAbort(abort, () => giveUp(abort.reason));
      void limit(host, async () => {
        if (isGivenUp) return;
        clearTimeout(timer);
        stopListening();
        await new Promise<void>((giveBack) => resolve(giveBack));
      });
    });
}

function waitedTooLong(host: string, { perHostMax = 0, waitMsMax }: ConnectionSlotsOptions): string {
  const allowed = `STRATEGY_CONNECTIONS_PER_HOST_MAX is ${perHostMax}`;
  return `no connection to ${host}: none was free within ${waitMsMax} ms (${allowed}); nothing was sent`;
}
