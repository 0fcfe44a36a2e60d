/**
 * What is paused. Kept in the `control` hash; its epoch rises with every change, so that an epoch always means the same
 * pauses.
 */
export interface Control {
  /** The epoch as Redis holds it; "0" when nothing was ever paused. */
  readonly epoch: string;
  readonly allPaused: boolean;
  /** Ids of paused strategies. */
  readonly pausedStrategies: ReadonlySet<number>;
}

/** Field of the `control` hash that pauses every strategy. */
export const PAUSE_ALL = "*";

/** Control from the fields of its hash; without the hash, nothing is paused. */
export function controlOf(hash: Readonly<Record<string, string>>): Control {
  const paused = Object.keys(hash).filter((field) => /^\d+$/.test(field));
  return {
    epoch: hash["epoch"] ?? "0",
    allPaused: hash[PAUSE_ALL] !== undefined,
    pausedStrategies: new Set(paused.map(Number)),
  };
}
