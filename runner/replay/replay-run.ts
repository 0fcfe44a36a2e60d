import type { ReplayCounts, ReplayedSignal } from "./replayed-signal.ts";

/** Signals that are done; `failure` says that it is no use to go on. */
export interface ReplayedBatch {
  readonly signals: readonly ReplayedSignal[];
  readonly failure?: Error;
}

/** How a replay goes on from batch to batch, in stream order. */
export interface ReplayRun {
  readonly writes: boolean;
  /** Id of the invocation; null for a dry run, and while nothing was written. */
  invocation(): string | null;
  /** Works on these entries; those that are not there any more are missing among the signals. */
  batch(ids: readonly string[]): Promise<ReplayedBatch>;
  /** Records the end. */
  finish(counts: ReplayCounts): Promise<void>;
}
