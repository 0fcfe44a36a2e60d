import type { ReplayCounts, ReplayedSignal } from "./replayed-signal.ts";

/** The work of a replay, batch by batch in stream order: a dry run or a committing run. */
export interface ReplayRun {
  readonly writes: boolean;
  /** Id of the invocation; null for a dry run, and while nothing was written. */
  invocation(): string | null;
  /** Works on these entries; those that no longer exist are missing among the signals. */
  batch(ids: readonly string[]): Promise<ReplayedBatch>;
  /** Records the end. */
  finish(counts: ReplayCounts): Promise<void>;
}

export interface ReplayedBatch {
  readonly signals: readonly ReplayedSignal[];
  /** Set when no further batch can be done. */
  readonly failure?: Error;
}
