/** Requests of `POST /replays`. */

/** Everything there is. */
export const ALL = { from: 100_000_000 };
export const FORCE = { ...ALL, mode: "force", by: "ann", reason: "the broker lost them" };
/** Headers that ask for an answer in lines. */
export const LINES = { accept: "application/x-ndjson" };
