import { messageOf } from "../../shared/error-message.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import { singleFlight } from "../engine/single-flight.ts";
import { within } from "../engine/time-limit.ts";

/**
 * Checks that Redis answers, and that no sample of its clock is due; a freeze of the process may have ended either. Checks
 * at the same time share one ping and one sample.
 */
export function redisCheck({
  ping,
  clock,
  pingMsMax,
  sampleMsMax,
  onFailure,
}: CheckOptions): () => Promise<boolean> {
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
    if (clock.isDue()) await answeredWithin(sampleMsMax, clock.sample());
  });
  return async () => (await pingSucceeds()) && clockIsSampled();
}

export interface CheckOptions {
  readonly ping: () => Promise<unknown>;
  readonly clock: Pick<Clock, "isDue" | "sample">;
  /** A connection whose ping takes longer, in ms, counts as lost. */
  readonly pingMsMax: number;
  /** Longest time to sample the clock, in ms: longer than a ping, since it takes several round trips. */
  readonly sampleMsMax: number;
  /** Called with what makes the connection unusable. */
  readonly onFailure: (message: string) => void;
}

/** The result of the work. @throws Error when it takes longer than `msMax`, and whatever the work throws */
export async function answeredWithin<T>(msMax: number, work: Promise<T>): Promise<T> {
  return within(msMax, work, () => {
    throw new Error(`no answer within ${msMax} ms`);
  });
}
