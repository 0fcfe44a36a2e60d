import { inspect } from "node:util";
import { Command } from "commander";
import { DataFolderError } from "../shared/io/files/private-files.ts";
import { TextFileError } from "../shared/io/files/text-files.ts";
import { printable } from "../shared/text.ts";
import { count, duration, positive, time } from "./cli/arguments.ts";
import { check } from "./cli/check.ts";
import type { CommandIo } from "./cli/command-io.ts";
import { compare, type CompareCliOptions } from "./cli/compare.ts";
import { CliError, withRedis, type Connection } from "./cli/connection.ts";
import { pauseStrategy, resumeStrategy } from "./cli/control.ts";
import { addDeadLetterCommands } from "./cli/dead-letter-commands.ts";
import { addExecutionCommands } from "./cli/executions/commands.ts";
import { addGroupCommands } from "./cli/group-commands.ts";
import { addLogCommands } from "./cli/log/commands.ts";
import { withRouter } from "./cli/open-router.ts";
import { osUser } from "./cli/os-user.ts";
import { addReferenceCommands } from "./cli/reference/commands.ts";
import { addReplayCommand } from "./cli/replay/commands.ts";
import { addRouterCommands } from "./cli/router-commands.ts";
import { addRunCommands } from "./cli/run/commands.ts";
import { send, type SendOptions } from "./cli/send.ts";
import { addSourceCommands } from "./cli/sources/commands.ts";
import { printStatus } from "./cli/status.ts";
import { addTaskCommands } from "./cli/task-commands.ts";
import { addTemplateCommand } from "./cli/template-command.ts";
import { EXIT_BAD_CONFIG, MisconfigurationError } from "./environment.ts";
import { confirmOnTerminal } from "./setup/confirm.ts";

/** `npm run cli -- …`: the commands, their options and checks of what was typed. */

const program = new Command("npm run cli --")
  .description(
    "Inspects and controls the router of this folder, or that of REDIS_URL, DATABASE_URL and KEY_PREFIX.",
  )
  .showHelpAfterError("(--help lists commands and options)");

program
  .command("send")
  .description("send one signal, wait for its decision and print it")
  .requiredOption("--symbol <symbol>", "ticker symbol, such as BTCUSDT")
  .requiredOption("--message <phrase>", "phrase of a signal, such as EMA_CROSS_LONG")
  .option("--bar-time <time>", "ISO 8601 or Unix time of the bar (default: start of this minute)")
  .option("--sent-at <time>", "when the alert fired (default: now)")
  .option("--source <name>", "name of the sender", "cli")
  .option("--uid <uid>", "identity of the signal (default: a hash of symbol, phrase and bar time)")
  .option("--wait <seconds>", "longest wait for the decision", positive, 15)
  .action(async (options: SendOptions) => onRedis(async (connection) => send(connection, options)));

program
  .command("check")
  .description("check the environment, Redis, Postgres, reference, strategies and clocks; changes nothing")
  .option("--json", "as JSON", false)
  .action(async (options: { json: boolean }) => check(process.env, options));

program
  .command("status")
  .description("print health, streams, groups, snapshot, pauses and counters")
  .option("--json", "as JSON", false)
  .action(async (options: { json: boolean }) =>
    onRedis(async (connection) => printStatus(connection, options)),
  );

program
  .command("compare")
  .description(
    "compare the log of the router before with this router's, signal by signal; exit code 1 for a difference that is not a known one",
  )
  .requiredOption("--table <table>", "the log of the router before, such as public.signals_v4_log")
  .option("--since <duration>", "from so long ago, such as 90m, 2h or 1d", duration)
  .option("--from <time>", "signals received from this time (default: where both logs have signals)", time)
  .option("--to <time>", "signals received up to this time (default: the same)", time)
  .option("--limit <count>", "differences to print, of each class", count, 20)
  .option("--json", "as JSON", false)
  .action(async (options: CompareCliOptions) => compare(process.env, options));

program
  .command("pause")
  .description("stop dispatching one strategy, or all of them; works without Postgres")
  .argument("[strategy]", "id or name of a strategy (default: every strategy)")
  .action(async (typed?: string) => onRedis(async (connection) => pauseStrategy(connection, typed)));

program
  .command("resume")
  .description("lift a pause")
  .argument("[strategy]", "id or name of a strategy (default: lift the pause of all strategies)")
  .action(async (typed?: string) => onRedis(async (connection) => resumeStrategy(connection, typed)));

const io: CommandIo = {
  withRouter: async (command) => withRouter(process.env, command),
  print: (text) => console.log(text),
  say: (text) => console.error(text),
  confirm: confirmOnTerminal,
  exitWith: (code) => {
    process.exitCode = code;
  },
  user: osUser(),
  columns: process.stdout.columns,
};

addGroupCommands(program, onRedis);
addDeadLetterCommands(program, { io, onRedis });
addReferenceCommands(program, io);
addTemplateCommand(program, io);
addSourceCommands(program, io);
addReplayCommand(program, io);
addRunCommands(program, io);
addTaskCommands(program, io);
addRouterCommands(program, io);
addExecutionCommands(program, io);
addLogCommands(program, io, { interrupted });

// The reader of a pipe has what it wants, as in `tail | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

/** Aborts at Ctrl-C or SIGTERM, so that the command ends in order; a second one ends the process. */
function interrupted(): AbortSignal {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort());
  return interruption.signal;
}

async function onRedis(command: (connection: Connection) => Promise<void>): Promise<void> {
  await withRedis(process.env, command);
}

try {
  await program.parseAsync();
} catch (error) {
  const isLasting = error instanceof MisconfigurationError || error instanceof DataFolderError;
  const isForPeople = error instanceof CliError || error instanceof TextFileError || isLasting;
  const text = isForPeople ? error.message : inspect(error);
  // What Redis or Postgres said may hold names of other programs.
  console.error(text.split("\n").map(printable).join("\n"));
  process.exitCode = isLasting ? EXIT_BAD_CONFIG : error instanceof CliError ? error.exitCode : 1;
}
