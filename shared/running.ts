/**
 * The one contract of everything that runs until it is stopped: the router, its loops and jobs, the HTTP server. What is only
 * open, such as a connection, has `close()` instead.
 */
export interface Running {
  /** Starts nothing more, finishes what is in flight and resolves when that has ended. */
  stop(request?: StopRequest): Promise<StopOutcome>;
}

export interface StopRequest {
  /** Why, for the log. */
  readonly reason?: string;
  /** Longest wait for what is in flight, in ms; then it is cut off. Default: as long as it takes. */
  readonly msMax?: number;
  /** Also finish what is already waiting, where that is an end. */
  readonly drain?: boolean;
}

/** `cut_off`: the time was over first, and what was in flight is left to other processes. */
export type StopOutcome = "finished" | "cut_off";

/** What is left of SHUTDOWN_MS_MAX, in ms, for closing connections once unfinished work has been cut off. */
export const CLOSE_MS = 500;
