import { Option, type Command } from "commander";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { TASK_STATES, type TaskStateName } from "../../shared/task-state.ts";
import { printableJson } from "../../shared/text.ts";
import { tasksAnswer } from "../http/operations/tasks.ts";
import type { TaskInFlight } from "../http/tasks-in-flight.ts";
import { count, entryId } from "./arguments.ts";
import type { CommandIo } from "./command-io.ts";
import { textTable } from "./text-table.ts";

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
  if (tasks.length > 0) io.print(textTable(TITLES, tasks.map(cellsOf), io));
  const unread = undelivered === null ? "some may not be read yet" : `${undelivered} not read yet`;
  io.print(`${tasks.length} tasks in flight, ${unread}${next === null ? "" : `; more with --after ${next}`}`);
}

const TITLES = ["task", "strategy", "on", "state", "attempt", "next try", "why"];

function cellsOf(task: TaskInFlight): readonly string[] {
  const {
    id,
    strategy_id: strategyId,
    strategy,
    direction,
    symbol,
    state,
    attempt,
    why,
    last_error: error,
  } = task;
  return [
    id,
    strategyLabel(strategyId, strategy),
    `${direction} ${symbol}`,
    state,
    `${attempt} of ${task.attempts_max}`,
    task.next_try_at ?? "",
    error === null ? why : `${why}: ${error}`,
  ];
}
