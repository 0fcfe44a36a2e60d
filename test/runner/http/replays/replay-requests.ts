import type { Answered } from "../http-fixture.ts";

/** Requests of `POST /replays` that several tests send. */

/** Selects everything. */
export const ALL = { from: 100_000_000 };
export const FORCE = { ...ALL, mode: "force", by: "ann", reason: "the broker lost them" };
/** Headers that request an answer in lines. */
export const LINES = { accept: "application/x-ndjson" };

/** The lines of an answer. */
export const linesOf = ({ body }: Answered): Record<string, unknown>[] =>
  String(body)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
