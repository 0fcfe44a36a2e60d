import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable } from "../../../shared/text.ts";
import type { EntryExecutionsView, FoundExecutionsView } from "../../http/executions/schemas.ts";
import { textTable } from "../text-table.ts";

/** Executions as text for the terminal. What comes from outside must not control it. */

type Execution = FoundExecutionsView["executions"][number];
type TaskView = EntryExecutionsView["tasks"][number];
type RunView = TaskView["runs"][number];

/** Executions as a table, one line each. */
export function executionsTable(
  executions: readonly Execution[],
  width: { readonly columns: number | undefined },
): string {
  return textTable(TITLES, executions.map(cellsOf), width);
}

const TITLES = ["entry", "at", "strategy", "symbol", "direction", "status", "reason", "error"];

function cellsOf(one: Execution): readonly string[] {
  const { entry_id, invocation, at, strategy_id, strategy, symbol, direction, status, reason, error } = one;
  const entry = invocation === "live" ? entry_id : `${entry_id} (${invocation})`;
  const again = one.retry === null ? status : `${status} (retried)`;
  const label = strategyLabel(strategy_id, strategy);
  return [entry, at, label, symbol ?? "", direction ?? "", again, reason ?? "", error ?? ""];
}

/** Every run of the tasks of an entry. */
export function tasksText({ entry_id, tasks, truncated }: EntryExecutionsView): string {
  const lines = tasks.flatMap((task) => ["", ...taskLines(task)]);
  if (tasks.length === 0) lines.push("  no strategy got a task for it: GET /entries/{id} says why");
  if (truncated) lines.push("", "There is more than this.");
  return [`entry ${entry_id}`, ...lines].map(printable).join("\n");
}

function taskLines(task: TaskView): string[] {
  const { symbol, direction, invocation, retry } = task;
  const what = [strategyLabel(task.strategy_id, task.strategy), symbol ?? "", direction ?? ""].join("  ");
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
