import type { Command } from "commander";
import { count, entryId, entryIds } from "./arguments.ts";
import type { CommandIo } from "./command-io.ts";
import { retryFromCli, type RetryOptions } from "./dead-letter-retry.ts";
import {
  discardFromCli,
  listDeadLetters,
  showDeadLetter,
  type DiscardOptions,
  type ListOptions,
} from "./dead-letters.ts";
import type { OnRedis } from "./group-commands.ts";

/** `cli dead-letters …` */
export function addDeadLetterCommands(
  program: Command,
  { io, onRedis }: { readonly io: CommandIo; readonly onRedis: OnRedis },
): void {
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
    .action(async (ids: string[], options: RetryOptions) => retryFromCli(ids, options, io));
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
}
