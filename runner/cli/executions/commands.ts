import { Option, type Command } from "commander";
import { EXECUTION_STATUSES } from "../../../shared/reasons.ts";
import { count, duration, entryId, positive, time } from "../arguments.ts";
import type { CommandIo } from "../command-io.ts";
import { listExecutions, showExecutions, type ListOptions } from "./list.ts";
import { retryTask, type RetryOptions } from "./retry.ts";

/** `cli executions …` */
export function addExecutionCommands(program: Command, io: CommandIo): void {
  const executions = program
    .command("executions")
    .description("what tasks came to, and running those again that failed or were ignored");
  executions
    .command("list")
    .description("print what tasks came to, the newest first; each task once, as it is now")
    .addOption(new Option("--failed", "only those that failed").conflicts("status").default(false))
    .addOption(new Option("--status <status>", "only those that came to this").choices(EXECUTION_STATUSES))
    .option("--strategy <strategy>", "only those of this strategy, by id or name")
    .option("--reason <reason>", "only those with this reason, such as timeout")
    .option("--symbol <symbol>", "only those of this ticker symbol")
    .addOption(
      new Option("--since <duration>", "ended so long ago at most, such as 90m, 2h or 1d")
        .argParser(duration)
        .conflicts("from"),
    )
    .option("--from <time>", "ended at this time or later", time)
    .option("--to <time>", "ended before this time", time)
    .option("--limit <count>", "maximum number of lines, up to 200", count, 50)
    .option("--after <cursor>", "the next page; the last line of a page has it")
    .option("--json", "as JSON", false)
    .action(async (options: ListOptions) => listExecutions(options, io));
  executions
    .command("show")
    .description("print every run of the tasks of one entry, and whether they can be run again")
    .argument("<entry>", "entry of the signal in signals_stream", entryId)
    .option("--json", "as JSON", false)
    .action(async (entry: string, options: { json: boolean }) => showExecutions(entry, options, io));
  executions
    .command("retry")
    .description(
      "run the task of one strategy again, with the same idempotency key; exit code 0 when it was executed or delegated, else 1",
    )
    .argument("<entry>", "entry of the signal in signals_stream", entryId)
    .requiredOption("--strategy <strategy>", "id or name of the strategy")
    .requiredOption("--reason <text>", "why; it is recorded")
    .option("--invocation <id>", "invocation that dispatched the task", "live")
    .option("--allow-stale", "run it whatever its age", false)
    .option("--wait <seconds>", "longest wait for what it comes to", positive, 30)
    .option("--by <name>", "who requests it (default: the user of this shell)")
    .option("--json", "as JSON", false)
    .action(async (entry: string, options: RetryOptions) => retryTask(entry, options, io));
}
