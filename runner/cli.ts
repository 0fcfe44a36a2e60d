import { Command, InvalidArgumentError } from "commander";
import { strategySecrets } from "../shared/config/secrets.ts";
import { isEntryId } from "../shared/entry.ts";
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
import { createLostGroup, listGroups, type CreateGroupOptions } from "./cli/groups.ts";
import { send, type SendOptions } from "./cli/send.ts";
import { printStatus } from "./cli/status.ts";

/** `npm run cli -- …` */

const program = new Command("npm run cli --")
  .description("Look at and steer the router of this folder, or of REDIS_URL and KEY_PREFIX.")
  .showHelpAfterError("(--help says more)");

program
  .command("send")
  .description("send one signal, wait for its decision and print it")
  .requiredOption("--symbol <symbol>", "ticker symbol, such as BTCUSDT")
  .requiredOption("--message <phrase>", "phrase of a signal, such as EMA_CROSS_LONG")
  .option("--bar-time <time>", "ISO 8601 or Unix time of the bar (default: start of this minute)")
  .option("--sent-at <time>", "when the alert fired (default: now)")
  .option("--source <name>", "who sends it", "cli")
  .option("--uid <uid>", "identity of the signal (default: made of symbol, phrase and bar time)")
  .option("--wait <seconds>", "how long to wait for the decision", positive, 15)
  .action(async (options: SendOptions) => onRedis(async (connection) => send(connection, options)));

program
  .command("status")
  .description("streams, groups, snapshot, pauses and counters")
  .option("--json", "for programs", false)
  .action(async (options: { json: boolean }) =>
    onRedis(async (connection) => printStatus(connection, options)),
  );

program
  .command("pause")
  .description("stop dispatching one strategy, or all of them; works without Postgres")
  .argument("[strategy]", "id of a strategy (default: every strategy)", strategyId)
  .action(async (id: number | undefined) => onRedis(async (connection) => pauseStrategy(connection, id)));

program
  .command("resume")
  .description("take a pause back")
  .argument("[strategy]", "id of a strategy (default: the pause of every strategy)", strategyId)
  .action(async (id: number | undefined) => onRedis(async (connection) => resumeStrategy(connection, id)));

const groups = program.command("groups").description("the router's consumer groups");
groups
  .command("list")
  .description("where each group is")
  .action(async () => onRedis(listGroups));
groups
  .command("create")
  .description("make a group that was lost again")
  .argument("<group>", "signal_processor, strategy_executor or log_writer")
  .requiredOption(
    "--from <place>",
    "0: everything in the stream again; $: only what comes; or after an entry id",
    place,
  )
  .option("--stream <stream>", "which stream, for log_writer")
  .action(async (name: string, options: CreateGroupOptions) =>
    onRedis(async (connection) => createLostGroup(connection, name, options)),
  );

const deadLetters = program.command("dead-letters").description("entries that were given up on");
deadLetters
  .command("list")
  .description("a line for each, the newest first")
  .option("--limit <count>", "lines at most", count, 50)
  .option("--after <id>", "go on after this one", entryId)
  .option("--oldest", "the oldest first", false)
  .option("--json", "for programs", false)
  .action(async (options: ListOptions) =>
    onRedis(async (connection) => listDeadLetters(connection, options)),
  );
deadLetters
  .command("show")
  .description("everything about one, with the fields of its entry")
  .argument("<id>", "id of the dead letter", entryId)
  .action(async (id: string) => onRedis(async (connection) => showDeadLetter(connection, id)));
deadLetters
  .command("retry")
  .description("run the function again on the entry as it was; exit code 1 unless all of it is done")
  .argument("[ids...]", "ids of dead letters", entryIds)
  .option("--all", "all there are", false)
  .option("--by <name>", "who asks for it (default: the user of this shell)")
  .option("--reason <text>", "why, for the record")
  .action(async (ids: string[], options: RetryOptions) =>
    withRedisStarted(process.env, async (connection) =>
      retryFromCli(connection, ids, { ...options, secrets: strategySecrets(process.env) }),
    ),
  );
deadLetters
  .command("discard")
  .description("throw away for good; the event in system_log keeps what it was")
  .argument("[ids...]", "ids of dead letters", entryIds)
  .option("--all", "all there are, with --yes", false)
  .option("--yes", "no questions", false)
  .option("--by <name>", "who asks for it (default: the user of this shell)")
  .action(async (ids: string[], options: DiscardOptions) =>
    onRedis(async (connection) => discardFromCli(connection, ids, options)),
  );

async function onRedis(command: (connection: Connection) => Promise<void>): Promise<void> {
  await withRedis(process.env, command);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0 is expected.");
  return value;
}

function strategyId(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new InvalidArgumentError("the id of a strategy is expected, such as 7.");
  return Number(text);
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("a whole number above 0 is expected.");
  return Number(text);
}

function entryId(text: string): string {
  if (!isEntryId(text)) throw new InvalidArgumentError("an entry id such as 1700000000000-0 is expected.");
  return text;
}

function entryIds(text: string, before: readonly string[] = []): string[] {
  return [...before, entryId(text)];
}

function place(text: string): string {
  if (!/^(0|\$|\d+-\d+)$/.test(text)) throw new InvalidArgumentError("0, $ or an entry id is expected.");
  return text;
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof CliError ? error.message : error);
  process.exitCode = 1;
}
