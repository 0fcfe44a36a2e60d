import { InvalidArgumentError, Option, type Command } from "commander";
import { EVENT_LEVELS } from "../../../shared/events.ts";
import { SEARCH_STATUSES } from "../../../shared/io/log/search-statement.ts";
import { INVOCATION_KINDS } from "../../../shared/records.ts";
import { duration } from "../arguments.ts";
import type { CommandIo } from "../command-io.ts";
import { markEventDone, printEvents, type DoneOptions, type EventsOptions } from "./events.ts";
import { printInvocation, printInvocations, type InvocationsOptions } from "./invocations.ts";
import { showSignal } from "./show.ts";
import { printStrategies, printStrategy } from "./strategies.ts";
import { tailResults, type TailOptions } from "./tail.ts";
import { printWhy, type WhyOptions } from "./why.ts";

/** The commands that answer questions: what was decided and why, what runs did, what the router has to say. */

export interface LogCommandOptions {
  /** Aborts when a person interrupts the command. */
  readonly interrupted: () => AbortSignal;
}

const JSON_OPTION = ["--json", "as JSON", false] as const;
const EXIT_CODES =
  "\nExit code: 0 done · 1 refused, not found, or not possible now · 2 the environment is not valid";

export function addLogCommands(program: Command, io: CommandIo, { interrupted }: LogCommandOptions): void {
  program
    .command("why")
    .description("what became of the last signals of a strategy, and why")
    .argument("<strategy>", "id or name of a strategy")
    .option("--last <count>", "signals on a page, up to 200", pageSize, 20)
    .option("--symbol <symbol>", "only those on this ticker symbol")
    .addOption(new Option("--status <status>", "only those it came to this with").choices(SEARCH_STATUSES))
    .option("--reason <reason>", "only those for this reason, such as stale")
    .option("--since <duration>", "only those of so long ago, such as 90m, 2h or 1d", duration)
    .option("--after <cursor>", "the next page; the last line of a page has it")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (strategy: string, options: WhyOptions) => printWhy(strategy, options, io));
  program
    .command("show")
    .description("everything about one signal: its decision, each strategy, and the time of each leg")
    .argument("<signal>", "its entry, such as 1700000000000-0, or its uid")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (signal: string, options: { json: boolean }) => showSignal(signal, options, io));
  program
    .command("tail")
    .description("decisions, attempts and outcomes as they are made, until Ctrl-C")
    .option("--strategy <strategy>", "only what concerns this one, by id or name")
    .option("--symbol <symbol>", "only signals on this ticker symbol")
    .addOption(new Option("--status <status>", "only what came to this").choices(SEARCH_STATUSES))
    .option("--failed", "only attempts and tasks that failed", false)
    .option("--json", "a line of JSON for each", false)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: TailOptions) => tailResults(options, io, interrupted()));
  addEventCommands(program, io);
  addInvocationCommands(program, io);
  addStrategyCommands(program, io);
}

function addEventCommands(program: Command, io: CommandIo): void {
  const events = program
    .command("events")
    .description("what the router has to say, the newest first")
    .option("--action", "only what a person has to do, and is not done yet", false)
    .addOption(new Option("--level <level>", "this level or a worse one").choices(EVENT_LEVELS))
    .option("--source <source>", "only of this part of the router")
    .option("--text <text>", "only with this text in the message")
    .option("--since <duration>", "only those of so long ago, such as 90m, 2h or 1d", duration)
    .option("--limit <count>", "events on a page, up to 200", pageSize, 50)
    .option("--after <cursor>", "the next page; the last line of a page has it")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: EventsOptions) => printEvents(options, io));
  events
    .command("done")
    .description("say that what an event asks for is done; repeating it changes nothing")
    .argument("<id>", "id of the event")
    .option("--by <name>", "who has done it (default: the user of this shell)")
    .option("--note <text>", "what was done")
    .addHelpText("after", EXIT_CODES)
    .action(async (id: string, options: DoneOptions) => markEventDone(id, options, io));
}

function addInvocationCommands(program: Command, io: CommandIo): void {
  const invocations = program
    .command("invocations")
    .description("the runs on demand – replays, retries, posted entries – and who asked for them")
    .addOption(new Option("--kind <kind>", "only this kind").choices(INVOCATION_KINDS))
    .option("--by <name>", "only those that this one asked for")
    .option("--limit <count>", "runs on a page, up to 200", pageSize, 50)
    .option("--after <cursor>", "the next page; the last line of a page has it")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: InvocationsOptions) => printInvocations(options, io));
  invocations
    .command("show")
    .description("one run on demand")
    .argument("<id>", "its id")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (id: string, _: unknown, command: Command) =>
      printInvocation(id, command.optsWithGlobals(), io),
    );
}

function addStrategyCommands(program: Command, io: CommandIo): void {
  const strategies = program
    .command("strategies")
    .description("all strategies: their state, what they have done, and what needs attention")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: { json: boolean }) => printStrategies(options, io));
  strategies
    .command("show")
    .description("one strategy")
    .argument("<strategy>", "its id or name")
    .option(...JSON_OPTION)
    .addHelpText("after", EXIT_CODES)
    .action(async (strategy: string, _: unknown, command: Command) =>
      printStrategy(strategy, command.optsWithGlobals(), io),
    );
}

/** Rows on a page. */
function pageSize(text: string): number {
  const size = Number(text);
  if (/^\d{1,3}$/.test(text) && size >= 1 && size <= 200) return size;
  throw new InvalidArgumentError("Expected a whole number from 1 to 200.");
}
