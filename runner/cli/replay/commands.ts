import { Option, type Command } from "commander";
import { REPLAY_MODES } from "../../replay/request.ts";
import { count, entryIds } from "../arguments.ts";
import type { CommandIo } from "../command-io.ts";
import { replayFromCli, type ReplayCliOptions } from "./run-replay.ts";

/** `cli replay …` */
export function addReplayCommand(program: Command, io: CommandIo): void {
  program
    .command("replay")
    .description(
      "decide signals again: what would differ now, what was missed, or dispatch once more by force",
    )
    .argument("[ids...]", "entry ids of signals", entryIds)
    .option("--from <time>", "signals that arrived from then on: ISO 8601, Unix time or an entry id")
    .option("--to <time>", "up to then (default: now)")
    .option("--since <duration>", "signals that arrived in the last 90m, 2h or 1d")
    .option("--uid <uid>", "signals with this uid; may be repeated", collected)
    .addOption(new Option("--mode <mode>", "what to do").choices([...REPLAY_MODES]).default("dry-run"))
    .option("--dry-run", "with missing or force: only show the tasks that would be added now", false)
    .option("--strategy <name>", "with force: only this strategy, by id or name; may be repeated", collected)
    .option("--snapshot <version>", "with dry-run: current, logged, or a version (default: current)")
    .option("--invocation <id>", "with force: your id of this replay, to continue it after it was broken off")
    .option("--by <name>", "who asks for it (default: the user of this shell)")
    .option("--reason <text>", "why; required for force")
    .option("--limit <count>", "maximum number of lines about signals", count, 200)
    .option("--yes", "confirm the tasks that missing and force add", false)
    .option("--json", "as lines of JSON, as the route answers them", false)
    .addHelpText("after", HELP)
    .action(async (ids: string[], options: ReplayCliOptions) => replayFromCli(ids, options, io));
}

const HELP = `
+ is what would be traded more, - what would no longer be.
Exit codes: 0 done, or nothing to do; 1 refused, not confirmed, or stopped before its end; 2 the environment is
not valid.`;

function collected(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
