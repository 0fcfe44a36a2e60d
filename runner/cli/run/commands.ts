import { Argument, InvalidArgumentError, Option, type Command } from "commander";
import { time } from "../arguments.ts";
import type { CommandIo } from "../command-io.ts";
import { runStrategy, type RunOptions } from "./run.ts";

/** `cli run`: what a strategy would do for a symbol and a direction; with --for-real it does it. */
export function addRunCommands(program: Command, io: CommandIo): void {
  program
    .command("run")
    .description(
      "show what a strategy would do, its request whole and its secrets hidden; with --for-real do it",
    )
    .addArgument(new Argument("<strategy>", "id or name of a strategy"))
    .requiredOption("--symbol <symbol>", "ticker symbol, such as BTCUSDT")
    .addOption(
      new Option("--direction <direction>", "long or short; flat: an exit")
        .choices(["long", "short", "flat"])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--side <side>", "with flat, the only side to close (default: both)").choices([
        "long",
        "short",
      ]),
    )
    .option("--time <time>", "of the bar, ISO 8601 or Unix (default: start of this minute)", timeText)
    .option("--extra <field=value>", "what is to come along, such as qty=1.5; may be repeated", extraField)
    .option("--for-real", "run it: asks first, and needs --reason", false)
    .option("--reason <text>", "why it is run for real; it is recorded")
    .option("--by <name>", "who runs it (default: the user of this shell)")
    .option("--invocation <id>", "id of the run, 8 to 64 characters: repeated with it, it runs once")
    .option("--yes", "with --for-real, do not ask", false)
    .option("--json", "as JSON", false)
    .addHelpText("after", EXIT_CODES)
    .action(async (strategy: string, options: RunOptions) => runStrategy(strategy, options, io));
}

const EXIT_CODES = `
Exit codes: 0 nothing would stop it, or it was run and has not failed; 1 refused, something would stop it, or it failed;
2 the environment is not valid.`;

function extraField(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("Expected a field and its value, such as qty=1.5.");
  return { ...before, [name]: value };
}

/** As it was typed, once it is known to be a time. */
function timeText(text: string): string {
  time(text);
  return text;
}
