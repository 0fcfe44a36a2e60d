import { commitOn } from "../../shared/io/commit/commit.ts";
import { redisClock } from "../../shared/io/redis/clock.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import { printableJson } from "../../shared/text.ts";
import { NOT_THERE } from "../on-demand/retry-dead-letters.ts";
import { IN_USE } from "../on-demand/run-dead-letter.ts";
import { CliError, type Connection } from "./connection.ts";
import { deadLetterJson, deadLetterTable, deadLetterText } from "./dead-letter-text.ts";
import { osUser } from "./os-user.ts";

/** `cli dead-letters`: lists, shows and discards dead letters. */

export interface ListOptions {
  readonly limit: number;
  /** Id of the last dead letter of the page before. */
  readonly after?: string;
  readonly oldest: boolean;
  readonly json: boolean;
}

/** Prints a page of dead letters, by default the newest first. */
export async function listDeadLetters({ redis, keys }: Connection, options: ListOptions): Promise<void> {
  const { limit: countMax, after, oldest, json } = options;
  const deadLetters = deadLettersOn(redis, keys);
  const place = after === undefined ? {} : { after };
  const letters = await deadLetters.page({ countMax, newestFirst: !oldest, ...place });
  if (json) {
    console.log(printableJson(letters.map(deadLetterJson)));
    return;
  }
  if (letters.length > 0) {
    const clock = redisClock(redis);
    await clock.sample();
    console.log(deadLetterTable(letters, { now: clock.now(), width: process.stdout.columns }));
  }
  const last = letters.at(-1);
  const more = last !== undefined && letters.length === countMax ? `; more with --after ${last.id}` : "";
  console.log(`${letters.length} of ${await deadLetters.count()} dead letters${more}`);
}

/** Prints one dead letter with everything it contains. @throws CliError when it does not exist */
export async function showDeadLetter({ redis, keys }: Connection, id: string): Promise<void> {
  const stored = await deadLettersOn(redis, keys).get(id);
  if (stored === undefined) throw new CliError(`there is no dead letter ${id}`);
  const clock = redisClock(redis);
  await clock.sample();
  console.log(deadLetterText(stored, clock.now()));
}

export interface DiscardOptions {
  readonly all: boolean;
  readonly yes: boolean;
  readonly by?: string;
}

/** Deletes dead letters for good; prints a line for each and a sum. An event keeps the content of each. */
export async function discardFromCli(
  { redis, keys, config }: Connection,
  ids: readonly string[],
  { all, yes, by = osUser() }: DiscardOptions,
): Promise<void> {
  const letters = chosen(ids, all);
  const deadLetters = deadLettersOn(redis, keys);
  if (all && !yes) {
    const count = await deadLetters.count();
    throw new CliError(`--all deletes all ${count} dead letters for good: add --yes to confirm`);
  }
  const clock = redisClock(redis);
  await clock.sample();
  const commit = commitOn(redis, keys, config);
  const counts = { discarded: 0, gone: 0, left: 0 };
  for await (const stored of deadLetters.chosen(letters)) {
    const [id, became] =
      typeof stored === "string"
        ? [stored, "gone" as const]
        : [stored.id, await deadLetters.discard(commit, stored, { by, at: clock.now() })];
    const { status, note } = DISCARDED[became];
    counts[status] += 1;
    console.log(`${id}  ${status}${note}`);
  }
  const left = counts.left > 0 ? `, ${counts.left} left` : "";
  console.log(`${counts.discarded} discarded, ${counts.gone} gone${left}`);
  if (counts.left + (all ? 0 : counts.gone) > 0) process.exitCode = 1;
}

const DISCARDED = {
  discarded: { status: "discarded", note: "" },
  gone: { status: "gone", note: `: ${NOT_THERE}` },
  in_use: { status: "left", note: `: ${IN_USE}` },
} as const;

/** What is asked for: either ids, or all. @throws CliError */
export function chosen(ids: readonly string[], all: boolean): "all" | readonly string[] {
  if (all === ids.length > 0) throw new CliError("expected either the ids of dead letters or --all");
  return all ? "all" : ids;
}
