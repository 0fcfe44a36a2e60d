/** `cut_off`: SHUTDOWN_MS_MAX was over first, and what was in hand is left to others. */
export type StopOutcome = "finished" | "cut_off";
