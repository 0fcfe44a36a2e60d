import { hash } from "node:crypto";

/**
 * How long a task waits after an attempt, in ms: a second after the first, twice as long after each further one, up to half a minute.
 * Up to a fifth less, by the task's id: tasks that failed together are not tried again together, and when is known everywhere.
 */
export function attemptWaitMs(taskId: string, attempt: number): number {
  const share = Number.parseInt(hash("sha1", `${taskId} ${attempt}`, "hex").slice(0, 8), 16) / 2 ** 32;
  return Math.round(Math.min(WAIT_MS_MAX, 1_000 * 2 ** (attempt - 1)) * (1 - share / 5));
}

const WAIT_MS_MAX = 30_000;
