/**
 * Resolves when REDIS_REPLICAS_MIN replicas have everything that was written before the call; with 0 at once, without a round trip.
 * @throws TooFewReplicasError when they do not within REDIS_REPLICAS_MS_MAX
 */
export type Confirm = () => Promise<void>;

/** Redis has taken the writes, but too few replicas have them: a fail-over now could lose them. */
export class TooFewReplicasError extends Error {
  override readonly name = "TooFewReplicasError";
}

/** Where no replica has to have anything. */
export const CONFIRMED: Confirm = async () => undefined;
