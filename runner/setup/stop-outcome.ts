/** `cut_off`: SHUTDOWN_MS_MAX was over first, and what was in hand is left to others. */
export type StopOutcome = "finished" | "cut_off";

/** What is left of SHUTDOWN_MS_MAX, in ms, for closing connections once unfinished work has been cut off. */
export const CLOSE_MS = 500;
