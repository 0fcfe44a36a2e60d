import { directionText } from "../../../shared/direction-text.ts";
import { reasonText } from "../../../shared/reason-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable } from "../../../shared/text.ts";
import type { EntryExecutionsView, FoundExecutionsView } from "../../http/executions/schemas.ts";
import { notedTable } from "../log/noted-table.ts";
import { shortTime } from "../log/times.ts";

/** Executions as text for the terminal. What comes from outside must not control it. */

type Execution = FoundExecutionsView["executions"][number];
type TaskView = EntryExecutionsView["tasks"][number];
type RunView = TaskView["runs"][number];

/** Executions as a table, each with why it ended so. */
export function executionsTable(
  executions: readonly Execution[],
  { columns, now }: { readonly columns: number | undefined; readonly now: Date },
): string {
  const rows = executions.map((one) => ({ cells: cellsOf(one, now), note: noteOf(one) }));
  return notedTable({ head: TITLES, noteHead: "why" }, rows, { columns });
}

const TITLES = ["entry", "ended, UTC", "strategy", "on", "status"];

function cellsOf(one: Execution, now: Date): readonly string[] {
  const { entry_id, at, strategy_id, strategy, symbol, direction, side, status, retry } = one;
  const on = [direction && directionText(direction, side), symbol].filter((part) => part !== null).join(" ");
  const again = retry === null ? status : `${status} (retried)`;
  return [entry_id, shortTime(at, now), strategyLabel(strategy_id, strategy), on, again];
}

function noteOf({ reason, error, invocation }: Execution): string {
  const why = reason === null ? (error ?? "") : reasonText(reason, error === null ? {} : { error });
  return [why, invocation === "live" ? "" : `run ${invocation}`].filter((part) => part !== "").join(" · ");
}

/** Every run of the tasks of an entry. */
export function tasksText({ entry_id, tasks, truncated }: EntryExecutionsView): string {
  const lines = tasks.flatMap((task) => ["", ...taskLines(task)]);
  if (tasks.length === 0) lines.push("  no strategy got a task for it: GET /entries/{id} says why");
  if (truncated) lines.push("", "There is more than this.");
  return [`entry ${entry_id}`, ...lines].map(printable).join("\n");
}

function taskLines(task: TaskView): string[] {
  const { symbol, direction, side, invocation, retry } = task;
  const how = direction === null ? "" : directionText(direction, side);
  const what = [strategyLabel(task.strategy_id, task.strategy), symbol ?? "", how].join("  ");
  return [
    `${what}  ${invocation}`,
    `  idempotency key  ${task.idempotency_key ?? "not known"}`,
    `  dispatched       ${task.dispatched_at}`,
    ...task.attempts.map(
      (one) => `  attempt ${one.attempt ?? "?"}        ${one.at}  ${endText("failed", one)}`,
    ),
    ...task.runs.map((run) => `  ${run.status.padEnd(15)}  ${run.at}  ${runText(run)}`),
    ...task.running_retries.map((one) => `  runs again       ${one.at ?? ""}  ${whoText(one)}`),
    ...task.dead_letters.map((id) => `  dead letter      ${id}`),
    retry.why_not === null
      ? "  can be run again: executions retry"
      : `  not to be run again: ${retry.why_not}`,
    ...(retry.warning === null ? [] : [`  ! ${retry.warning}`]),
  ];
}

/** What a run came to, and for a retry who asked for it. */
export function runText(run: RunView): string {
  return run.retry === null ? endText(run.status, run) : `${endText(run.status, run)}; ${whoText(run.retry)}`;
}

function endText(status: string, { reason, detail, duration_ms }: Omit<RunView, "status" | "retry">): string {
  const why = reason === null ? status : `${status} (${reason})`;
  const error = typeof detail["error"] === "string" ? `: ${detail["error"].replaceAll(/\s+/g, " ")}` : "";
  return `${why}${error}${duration_ms === null ? "" : `, ${duration_ms} ms`}`;
}

function whoText({ id, by, reason }: NonNullable<RunView["retry"]>): string {
  const why = reason === null ? "" : `: ${reason}`;
  return `retry ${id}${by === null ? "" : ` by ${by}`}${why}`;
}
