import { inspect } from "node:util";
import { Argument, Command, InvalidArgumentError } from "commander";
import { isEntryId } from "../shared/entry.ts";
import { DataFolderError } from "../shared/io/files/private-files.ts";
import { TextFileError } from "../shared/io/files/text-files.ts";
import { ADOPTIONS, type Adoption } from "../shared/io/streams/foreign-consumers.ts";
import { parseTime, TIME_FORMS } from "../shared/signal/time.ts";
import { printable } from "../shared/text.ts";
import { check } from "./cli/check.ts";
import { compare, durationMs, type CompareCliOptions } from "./cli/compare.ts";
import { CliError, withRedis, withRedisStarted, type Connection } from "./cli/connection.ts";
import { pauseStrategy, resumeStrategy } from "./cli/control.ts";
import {
  discardFromCli,
  listDeadLetters,
  retryFromCli,
  showDeadLetter,
  type DiscardOptions,
  type ListOptions,
  type RetryOptions,
} from "./cli/dead-letters.ts";
import { adoptEntries, createLostGroup, listGroups, type CreateGroupOptions } from "./cli/groups.ts";
import { osUser } from "./cli/os-user.ts";
import { addReferenceCommands } from "./cli/reference/commands.ts";
import { withReferenceEdits } from "./cli/reference/open-edits.ts";
import { REMOVABLE, removeUnreadGroup } from "./cli/remove-group.ts";
import { send, type SendOptions } from "./cli/send.ts";
import { printStatus } from "./cli/status.ts";
import { EXIT_BAD_CONFIG, MisconfigurationError } from "./environment.ts";
import { confirmOnTerminal } from "./setup/confirm.ts";

/** `npm run cli -- …`: the commands, their options and checks of what was typed. */

const program = new Command("npm run cli --")
  .description("Inspects and controls the router of this folder, or that of REDIS_URL and KEY_PREFIX.")
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

const groups = program.command("groups").description("the router's consumer groups");
groups
  .command("list")
  .description("print the unread and pending entries of each group")
  .action(async () => onRedis(listGroups));
groups
  .command("create")
  .description("create a lost group again; outcome_collector also when it is there")
  .argument("<group>", "signal_processor, strategy_executor, log_writer or outcome_collector")
  .requiredOption(
    "--from <place>",
    "0: all entries of the stream again; $: only new entries; an entry id: the entries after it",
    startPlace,
  )
  .option("--stream <stream>", "the stream, for log_writer and other groups that read several")
  .action(async (name: string, options: CreateGroupOptions) =>
    onRedis(async (connection) => createLostGroup(connection, name, options)),
  );

groups
  .command("adopt")
  .description("say what is to become of entries that another program has left pending in a group")
  .argument("<group>", "signal_processor, strategy_executor or log_writer")
  .addArgument(
    new Argument(
      "<answer>",
      "acknowledge: they are done, their ids are recorded; decide: routers process them",
    ).choices(ADOPTIONS),
  )
  .option("--by <name>", "who says so (default: the user of this shell)")
  .action(async (name: string, answer: Adoption, options: { by?: string }) =>
    onRedis(async (connection) => adoptEntries(connection, name, answer, options)),
  );

groups
  .command("remove")
  .description("remove a group that no router reads any longer, so that nothing is kept for it")
  .addArgument(new Argument("<group>", "the group").choices(REMOVABLE))
  .option("--by <name>", "who says so (default: the user of this shell)")
  .action(async (name: (typeof REMOVABLE)[number], options: { by?: string }) =>
    onRedis(async (connection) => removeUnreadGroup(connection, name, options)),
  );

const deadLetters = program.command("dead-letters").description("entries that could not be processed");
deadLetters
  .command("list")
  .description("print one line each, the newest first")
  .option("--limit <count>", "maximum number of lines", count, 50)
  .option("--after <id>", "continue after this dead letter", entryId)
  .option("--oldest", "the oldest first", false)
  .option("--json", "as JSON", false)
  .action(async (options: ListOptions) =>
    onRedis(async (connection) => listDeadLetters(connection, options)),
  );
deadLetters
  .command("show")
  .description("print one dead letter with the fields of its entry")
  .argument("<id>", "id of the dead letter", entryId)
  .action(async (id: string) => onRedis(async (connection) => showDeadLetter(connection, id)));
deadLetters
  .command("retry")
  .description("run the function on the unchanged entry again; exit code 1 unless every retry succeeds")
  .argument("[ids...]", "ids of dead letters", entryIds)
  .option("--all", "all dead letters", false)
  .option("--by <name>", "who requests it (default: the user of this shell)")
  .option("--reason <text>", "why; it is recorded")
  .action(async (ids: string[], options: RetryOptions) =>
    withRedisStarted(process.env, async (connection) =>
      retryFromCli(connection, ids, { ...options, env: process.env }),
    ),
  );
deadLetters
  .command("discard")
  .description("delete for good; an event in system_log keeps the content")
  .argument("[ids...]", "ids of dead letters", entryIds)
  .option("--all", "all dead letters; needs --yes", false)
  .option("--yes", "confirm --all", false)
  .option("--by <name>", "who requests it (default: the user of this shell)")
  .action(async (ids: string[], options: DiscardOptions) =>
    onRedis(async (connection) => discardFromCli(connection, ids, options)),
  );

addReferenceCommands(program, {
  withEdits: async (command) => withReferenceEdits(process.env, command),
  print: (text) => console.log(text),
  say: (text) => console.error(text),
  confirm: confirmOnTerminal,
  exitWith: (code) => {
    process.exitCode = code;
  },
  user: osUser(),
  columns: process.stdout.columns,
});

async function onRedis(command: (connection: Connection) => Promise<void>): Promise<void> {
  await withRedis(process.env, command);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined)
    throw new InvalidArgumentError("Expected minutes, hours or days, such as 90m, 2h or 1d.");
  return ms;
}

function time(text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${TIME_FORMS}.`);
  return ms;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new InvalidArgumentError("Expected a whole number from 1 to 999999.");
  return Number(text);
}

function entryId(text: string): string {
  if (!isEntryId(text)) throw new InvalidArgumentError("Expected an entry id such as 1700000000000-0.");
  return text;
}

function entryIds(text: string, before: readonly string[] = []): string[] {
  return [...before, entryId(text)];
}

function startPlace(text: string): string {
  if (!/^(0|\$|\d+-\d+)$/.test(text)) throw new InvalidArgumentError("Expected 0, $ or an entry id.");
  return text;
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
