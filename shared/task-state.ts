import { attemptWaitMs } from "./attempt-wait.ts";

/**
 * Where a task in flight stands: `not_started`: it waits for its turn · `running` · `between_attempts`: it failed and is tried
 * again · `left`: its consumer gives no heartbeat, so another one reclaims it.
 */
export const TASK_STATES = ["not_started", "running", "between_attempts", "left"] as const;
export type TaskStateName = (typeof TASK_STATES)[number];

/** What a person needs to know of a task in flight. Times are milliseconds since 1970, by Redis' clock. */
export interface TaskState {
  readonly state: TaskStateName;
  /** What it waits for, for people. */
  readonly why: string;
  /** The attempt that runs, or ran last; 0 when none was begun. */
  readonly attempt: number;
  readonly lastError: string | null;
  /** When it is tried next at the earliest; null while that is not known. */
  readonly nextTryAt: number | null;
}

/** What Redis and the log know of it. */
export interface TaskFacts {
  readonly id: string;
  readonly idleMs: number;
  /** Attempts begun. */
  readonly attempts: number;
  /** Whether its consumer gives heartbeats. */
  readonly isLiving: boolean;
  /** How the last attempt that was begun ended; undefined when it has not, or nothing says so. */
  readonly failed: { readonly error: string; readonly at: number } | undefined;
  /** An earlier task of the same strategy and symbol in flight, which runs first. */
  readonly behind: string | undefined;
}

export interface TaskLimits {
  readonly now: number;
  /** CLAIM_IDLE_MS */
  readonly claimIdleMs: number;
  /** DELIVERIES_MAX */
  readonly attemptsMax: number;
}

/** The state of a task from what is known about it. */
export function taskStateOf(facts: TaskFacts, { now, claimIdleMs, attemptsMax }: TaskLimits): TaskState {
  const { id, idleMs, attempts, isLiving, failed, behind } = facts;
  const common = { attempt: attempts, lastError: failed?.error ?? null };
  if (!isLiving) {
    const nextTryAt = now + Math.max(0, claimIdleMs - idleMs);
    const end =
      attempts >= attemptsMax
        ? `it has been tried ${attempts} times, so it becomes a dead letter`
        : "a running router reclaims it";
    return { ...common, state: "left", why: `its consumer gives no heartbeat: ${end}`, nextTryAt };
  }
  if (attempts === 0) {
    const why =
      behind === undefined
        ? "it waits for its turn: for room among the runs, for a connection, or for the reference"
        : `task ${behind} of the same strategy and symbol comes first`;
    return { ...common, state: "not_started", why, nextTryAt: null };
  }
  if (failed === undefined)
    return { ...common, state: "running", why: `attempt ${attempts} runs`, nextTryAt: null };
  const nextTryAt = failed.at + attemptWaitMs(id, attempts);
  const due = nextTryAt > now ? "follows" : "is due, and waits for room among the runs";
  const why = `attempt ${attempts} failed; attempt ${attempts + 1} of ${attemptsMax} ${due}`;
  return { ...common, state: "between_attempts", why, nextTryAt };
}
