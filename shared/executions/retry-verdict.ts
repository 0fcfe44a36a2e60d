import type { ExecutionReason } from "../reasons.ts";
import { strategyLabel } from "../strategy-label.ts";
import type { LoggedTask, TaskRun } from "./logged-task.ts";

/** Whether a task may be run again by what is known of its runs, and how, or why not. */
export function retryVerdict(task: TaskState): RetryVerdict {
  const { runs, retries, attempts } = task;
  const label = strategyLabel(task.strategyId, task.strategy);
  const good = runs.find(({ status }) => status === "executed" || status === "delegated");
  if (good?.status === "executed")
    return refused("already_done", `${label} has executed it at ${good.at}: it is not run again`);
  if (good !== undefined) {
    const why = `${label} has handed it on to its worker at ${good.at}: it is not run again`;
    return refused("already_done", why, "what the worker reports becomes its outcome");
  }
  const [deadLetter] = task.deadLetters;
  if (deadLetter !== undefined) return { how: "dead_letter", deadLetter };
  const [recordLetter] = task.recordLetters;
  if (recordLetter !== undefined) {
    const why = `the record of what it came to is the dead letter ${recordLetter}`;
    return refused("not_ended", why, "retry that dead letter first");
  }
  const ended = new Set(runs.map(({ retry }) => retry?.id));
  const open = retries.find(({ id }) => !ended.has(id));
  if (open !== undefined) {
    const who = open.by === null ? "" : ` by ${open.by}`;
    return refused(
      "already_retried",
      `${label} was told to run it again${who} (retry ${open.id}): ${NOT_LOGGED}`,
      MAY_BE_LOST,
    );
  }
  if (runs.length === 0) {
    const last = attempts.at(-1);
    const so = last === undefined ? "" : `; attempt ${last.attempt ?? "?"} failed: ${errorIn(last)}`;
    return refused("not_ended", `${label} has not ended it yet, or ${NOT_LOGGED}${so}`, ASK_AGAIN);
  }
  return { how: "dispatch", ended: runs.length };
}

/** A task, and its dead letters in Redis. */
export interface TaskState extends LoggedTask {
  /** Ids of the dead letters that are the task. */
  readonly deadLetters: readonly string[];
  /** Ids of the dead letters that are records of its outcomes. */
  readonly recordLetters: readonly string[];
}

export type RetryVerdict =
  /** It is put into the stream again; `ended`: how many of its runs have ended. */
  | { readonly how: "dispatch"; readonly ended: number }
  /** Its dead letter is retried. */
  | { readonly how: "dead_letter"; readonly deadLetter: string }
  | ({ readonly how: "refused" } & Refusal);

/** Why a task is not run again, for people. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly why: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Stable, for programs. */
export type RefusalCode =
  | "not_dispatched"
  | "not_ended"
  | "already_done"
  | "already_retried"
  | "stale_task"
  | "strategy_not_ready"
  | "incomplete_log"
  | "log_behind";

const NOT_LOGGED = "its outcome has not reached the log yet";
/** As when Redis was restored from a copy that is older than the retry. */
const MAY_BE_LOST =
  "cli tasks shows whether it is in flight. When it is neither there nor in the log after a while, Redis has lost it: look at its receiver for what it did, then replay the signal by force for this strategy";
const ASK_AGAIN = "ask again in a moment; GET /executions/{entry} says when it has ended";

function refused(code: RefusalCode, why: string, hint?: string): RetryVerdict {
  return { how: "refused", code, why, ...(hint === undefined ? {} : { hint }) };
}

function errorIn({ detail, reason }: Pick<TaskRun, "detail" | "reason">): string {
  const { error } = detail;
  return typeof error === "string" ? error : (reason ?? "no error is known");
}

/** Reasons of runs that were begun, and it is not known how far they got. */
const UNCERTAIN: ReadonlySet<string> = new Set<ExecutionReason>([
  "timeout",
  "error",
  "invalid_outcome",
  "attempts_exhausted",
  "entry_lost",
]);

/** That an earlier run may have taken effect although it did not end well, for people; undefined when none may have. */
export function effectWarning({ runs }: Pick<LoggedTask, "runs">): string | undefined {
  const run = runs.findLast(
    ({ reason, detail }) => (reason !== null && UNCERTAIN.has(reason)) || "may_have_arrived" in detail,
  );
  if (run === undefined) return undefined;
  const which = run.retry === null ? "the first run" : `the run of retry ${run.retry.id}`;
  return `${which} may have taken effect (${run.reason ?? run.status}): the same idempotency key is sent again, by which the receiver knows it`;
}
