import type { Config } from "../../shared/config/config.ts";
import { secretsOf } from "../../shared/config/secrets.ts";
import { messageOf } from "../../shared/error-message.ts";
import { commitOn } from "../../shared/io/commit/commit.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { lazyDatabase } from "../../shared/io/postgres/lazy-database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { redisClock } from "../../shared/io/redis/clock.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import { readShadow } from "../../shared/io/streams/router-mode.ts";
import { printable, printableJson } from "../../shared/text.ts";
import { DATA_DIR, uniqueConsumerName, type Environment } from "../environment.ts";
import { withLocalSecrets } from "../local/secrets.ts";
import {
  NOT_THERE,
  retryBinding,
  retryDeadLetters,
  type RetryAttempt,
} from "../on-demand/retry-dead-letters.ts";
import { IN_USE } from "../on-demand/run-dead-letter.ts";
import { openServices } from "../setup/services.ts";
import { openLogger } from "../telemetry/logger.ts";
import { CliError, type Connection } from "./connection.ts";
import { deadLetterJson, deadLetterTable, deadLetterText } from "./dead-letter-text.ts";
import { osUser } from "./os-user.ts";

/** `cli dead-letters`: lists, shows, retries and discards dead letters. */

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

export interface RetryOptions {
  readonly all: boolean;
  readonly by?: string;
  readonly reason?: string;
}

/** Retries dead letters; prints a line for each and a sum. Exit code 1 unless all are done and no strategy failed. */
export async function retryFromCli(
  { redisUrl, redis, keys, config: given }: Connection,
  ids: readonly string[],
  { all, by = osUser(), reason, env }: RetryOptions & { readonly env: Environment },
): Promise<void> {
  const letters = chosen(ids, all);
  // Whatever this environment says: the routers of these groups may be a shadow.
  const config = { ...given, shadow: given.shadow || (await readShadow(redis, keys)) };
  // Only records need the database: signals and tasks can be retried without it.
  const database = await databaseForRetry(config);
  const logger = openLogger("silent", { forPeople: false });
  const consumer = uniqueConsumerName();
  // With the local Redis the router has secrets that are in no variable.
  const whole = config.redisUrl === undefined ? await withLocalSecrets(config, DATA_DIR) : config;
  const secrets = secretsOf(env, whole);
  const services = openServices({ config, redisUrl, consumer, database, logger, secrets });
  let failed = 0;
  const onAttempt = (attempt: RetryAttempt): void => {
    console.log(attemptText(attempt));
    if (attempt.failed === true) failed += 1;
  };
  try {
    await services.clock.sample();
    const { invocation, counts } = await retryDeadLetters(
      { letters, requestedBy: by, reason, onAttempt },
      { ...services, bindingFor: retryBinding(services) },
    );
    await services.flush(5_000);
    const sum = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
    console.log(`${sum.join(", ")}${invocation === undefined ? "" : `; invocation ${invocation}`}`);
    // With --all another process may have retried some of them first.
    if (failed + counts.dead + counts.left + (all ? 0 : counts.gone) > 0) process.exitCode = 1;
  } finally {
    services.close();
    await database.close();
  }
}

function attemptText({ id, status, note }: RetryAttempt): string {
  return printable(`${id}  ${status}${note === "" ? "" : `: ${note}`}`);
}

async function databaseForRetry(config: Config): Promise<Database> {
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = config;
  const options = { url, schema, neonWsProxy, dataDir: DATA_DIR, onError: () => undefined };
  if (url !== undefined) return openDatabase(options);
  return lazyDatabase({ kind: "pglite", schema }, async () => {
    const database = await openDatabase(options).catch((error: unknown) => {
      const redisToo = config.redisUrl === undefined ? ", which starts the local Redis by itself" : "";
      throw new CliError(
        `${messageOf(error)}. Only one process can use the embedded database of this folder: stop the router (Ctrl-C) and run this command again${redisToo}`,
      );
    });
    await database.migrate();
    return database;
  });
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

function chosen(ids: readonly string[], all: boolean): "all" | readonly string[] {
  if (all === ids.length > 0) throw new CliError("expected either the ids of dead letters or --all");
  return all ? "all" : ids;
}
