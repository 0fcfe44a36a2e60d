import { messageOf } from "../../shared/error-message.ts";
import { singleFlight } from "../engine/single-flight.ts";
import { within } from "../engine/time-limit.ts";

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

  const asked = (ask: () => Promise<unknown>): (() => Promise<boolean>) =>
    singleFlight(async () => {
      try {
        await ask();
        return true;
      } catch (error) {
        onFailure(messageOf(error));
        return false;
      }
    });
  const answers = asked(async () => answeredWithin(pingMsMax, ping()));
  const clockIsSampled = asked(async () => {
    if (Math.abs(Date.now() - sampledAt) < CLOCK_SAMPLE_MS) return;
    await answeredWithin(sampleMsMax, sampleClock());
    sampledAt = Date.now();
  });
  return async () => (await answers()) && clockIsSampled();
}

/** @throws Error when the answer does not come in time, and whatever the work throws */
export async function answeredWithin<T>(msMax: number, work: Promise<T>): Promise<T> {
  return within(msMax, work, () => {
    throw new Error(`no answer within ${msMax} ms`);
  });
}
