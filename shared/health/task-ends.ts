/**
 * How the last tasks of a strategy ended, and whether the strategy is failing because of it. Ends are kept in Redis, each as
 * `<row>:<milliseconds since 1970>:<f or s>`: those of a row that has been changed since do not count.
 */
export interface TaskEnd {
  /** Version of the strategy's row that the task was run with. */
  readonly row: string;
  /** Milliseconds since 1970, by Redis' clock. */
  readonly at: number;
  readonly failed: boolean;
}

/** So many ends are kept of each strategy, the latest ones. */
export const ENDS_KEPT_MAX = 10;

/** For so long an end counts, in ms. */
export const ENDS_AGE_MS_MAX = 86_400_000;

const FAILED_IN_A_ROW = 3;
const FAILED_OF_KEPT = 5;

/** Whether the last 3 tasks, or 5 of the last 10, ended failed. The next success ends it. Oldest first. */
export function isFailing(ends: readonly TaskEnd[], now: number): boolean {
  const kept = ends.filter(({ at }) => now - at <= ENDS_AGE_MS_MAX).slice(-ENDS_KEPT_MAX);
  if (kept.at(-1)?.failed !== true) return false;
  const failed = kept.filter((end) => end.failed).length;
  const inARow = kept.slice(-FAILED_IN_A_ROW);
  return failed >= FAILED_OF_KEPT || (inARow.length === FAILED_IN_A_ROW && inARow.every((end) => end.failed));
}

export function taskEndText({ row, at, failed }: TaskEnd): string {
  return `${row}:${at}:${failed ? "f" : "s"}`;
}

/** The ends in a text, oldest first; what is none is left out. */
export function taskEndsIn(text: string): TaskEnd[] {
  return text.split(" ").flatMap((part) => {
    const [, row, at, how] = /^([0-9a-f]+):(\d{1,15}):([fs])$/.exec(part) ?? [];
    return row === undefined ? [] : [{ row, at: Number(at), failed: how === "f" }];
  });
}
