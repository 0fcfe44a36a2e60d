import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../telemetry/error-message.ts";

export interface CheckOptions {
  readonly ping: () => Promise<unknown>;
  readonly sampleClock: () => Promise<void>;
  /** A connection whose ping takes longer, in ms, is taken for lost. */
  readonly pingMsMax: number;
  /** The same for sampling the clock, in ms: several round trips. */
  readonly sampleMsMax: number;
  /** Told of what keeps the connection from being used. */
  readonly onFailure: (message: string) => void;
}

/** Redis' clock is sampled this often, in ms: after a freeze this machine's may have been set. */
const CLOCK_SAMPLE_MS = 10_000;

/**
 * A look whether Redis answers, for connections that may be lost while the process is frozen, and its clock has been sampled
 * within 10 s. The ping has a limit of its own: the sample takes several round trips, which are no sign of a lost connection.
 * Looks at the same time share the answers, so under load they cost next to nothing.
 */
export function redisCheck({
  ping,
  sampleClock,
  pingMsMax,
  sampleMsMax,
  onFailure,
}: CheckOptions): () => Promise<boolean> {
  // Not by the monotonic clock, which may stand still with the instance.
  let sampledAt = Date.now();

  const shared = (ask: () => Promise<unknown>): (() => Promise<boolean>) => {
    let asking: Promise<boolean> | undefined;
    const asked = async (): Promise<boolean> => {
      try {
        await ask();
        return true;
      } catch (error) {
        onFailure(messageOf(error));
        return false;
      } finally {
        asking = undefined;
      }
    };
    return async () => (asking ??= asked());
  };
  const answers = shared(async () => within(pingMsMax, ping()));
  const clockIsSampled = shared(async () => {
    if (Math.abs(Date.now() - sampledAt) < CLOCK_SAMPLE_MS) return;
    await within(sampleMsMax, sampleClock());
    sampledAt = Date.now();
  });
  return async () => (await answers()) && clockIsSampled();
}

/** @throws Error when the work is not done in time, and whatever the work throws */
export async function within<T>(msMax: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = pause(msMax, undefined, { signal: done.signal }).then(() => {
    throw new Error(`no answer within ${msMax} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
