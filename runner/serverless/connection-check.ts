import { messageOf } from "../../shared/error-message.ts";
import { singleFlight } from "../engine/single-flight.ts";
import { within } from "../engine/time-limit.ts";

/**
 * Checks that Redis answers, and that its clock was sampled within 10 s; a freeze of the process may have ended either. Checks
 * at the same time share one ping and one sample.
 */
export function redisCheck({
  ping,
  sampleClock,
  pingMsMax,
  sampleMsMax,
  onFailure,
}: CheckOptions): () => Promise<boolean> {
  // Not performance.now(), which may stop while the instance is frozen.
  let sampledAt = Date.now();

  const succeeds = (step: () => Promise<unknown>): (() => Promise<boolean>) =>
    singleFlight(async () => {
      try {
        await step();
        return true;
      } catch (error) {
        onFailure(messageOf(error));
        return false;
      }
    });
  const pingSucceeds = succeeds(async () => answeredWithin(pingMsMax, ping()));
  const clockIsSampled = succeeds(async () => {
    if (Math.abs(Date.now() - sampledAt) < CLOCK_SAMPLE_MS) return;
    await answeredWithin(sampleMsMax, sampleClock());
    sampledAt = Date.now();
  });
  return async () => (await pingSucceeds()) && clockIsSampled();
}

export interface CheckOptions {
  readonly ping: () => Promise<unknown>;
  readonly sampleClock: () => Promise<void>;
  /** A connection whose ping takes longer, in ms, counts as lost. */
  readonly pingMsMax: number;
  /** Longest time to sample the clock, in ms: longer than a ping, since it takes several round trips. */
  readonly sampleMsMax: number;
  /** Called with what makes the connection unusable. */
  readonly onFailure: (message: string) => void;
}

/** Redis' clock is sampled this often, in ms: this machine's clock may have been set during a freeze. */
const CLOCK_SAMPLE_MS = 10_000;

/** The result of the work. @throws Error when it takes longer than `msMax`, and whatever the work throws */
export async function answeredWithin<T>(msMax: number, work: Promise<T>): Promise<T> {
  return within(msMax, work, () => {
    throw new Error(`no answer within ${msMax} ms`);
  });
}
