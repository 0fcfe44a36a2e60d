import { Option, type Command } from "commander";
import { directionText } from "../../shared/direction-text.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { TASK_STATES, type TaskStateName } from "../../shared/task-state.ts";
import { excerpt, printableJson } from "../../shared/text.ts";
import { tasksAnswer } from "../http/operations/tasks.ts";
import type { TaskInFlight } from "../http/tasks-in-flight.ts";
import { count, entryId } from "./arguments.ts";
import type { CommandIo } from "./command-io.ts";
import { notedTable } from "./log/noted-table.ts";
import { currentTime, shortTime } from "./log/times.ts";
import { plural } from "./replay/replay-text.ts";

/** `cli tasks`: which tasks run, and which wait for what, until when. */
export function addTaskCommands(program: Command, io: CommandIo): void {
  program
    .command("tasks")
    .description("print the tasks in flight: which attempt, the last error, when they are tried again")
    .addOption(new Option("--state <state>", "only those in this state").choices(TASK_STATES))
    .option("--strategy <strategy>", "only those of this strategy, by id or name")
    .option("--limit <count>", "maximum number of lines, up to 200", count, 50)
    .option("--after <task>", "go on after this task", entryId)
    .option("--json", "as JSON", false)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: TaskOptions) => printTasks(options, io));
}

const EXIT_CODES = `
Exit codes: 0 printed; 1 refused, or not possible now; 2 the environment is not valid.`;

interface TaskOptions {
  readonly state?: TaskStateName;
  readonly strategy?: string;
  readonly limit: number;
  readonly after?: string;
  readonly json: boolean;
}

async function printTasks({ json, ...query }: TaskOptions, io: CommandIo): Promise<void> {
  const answer = await io.withRouter(async (router) =>
    router.ask({ path: "/tasks", query, answer: tasksAnswer }),
  );
  if (json) return io.print(printableJson(answer));
  const { tasks, next, undelivered } = answer;
  if (tasks.length > 0) io.print(tasksTable(tasks, { ...io, now: currentTime() }));
  const unread = undelivered === null ? "some may not be read yet" : `${undelivered} not read yet`;
  io.print(
    `${plural(tasks.length, "task")} in flight, ${unread}${next === null ? "" : `; more: the same with --after ${next}`}`,
  );
}

/** Tasks as a table, each with what it waits for. */
export function tasksTable(
  tasks: readonly TaskInFlight[],
  { columns, now }: { readonly columns: number | undefined; readonly now: Date },
): string {
  const rows = tasks.map((task) => ({ cells: cellsOf(task, now), note: whyText(task) }));
  return notedTable({ head: TITLES, noteHead: "why" }, rows, { columns });
}

const TITLES = ["task", "strategy", "on", "state", "attempt", "next try, UTC"];

function cellsOf(task: TaskInFlight, now: Date): readonly string[] {
  const { id, strategy_id, strategy, direction, side, symbol, state, attempt, attempts_max, next_try_at } =
    task;
  return [
    id,
    strategyLabel(strategy_id, strategy),
    `${directionText(direction, side)} ${symbol}`,
    state,
    `${attempt} of ${attempts_max}`,
    next_try_at === null ? "" : shortTime(next_try_at, now),
  ];
}

function whyText({ why, last_error: error }: TaskInFlight): string {
  return error === null ? why : `${why}: ${excerpt(error)}`;
}
