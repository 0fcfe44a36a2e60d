import { openRedis } from "../shared/io/redis.ts";
import { keysOf } from "../shared/keys.ts";
import { redactUrl } from "../shared/redact-url.ts";
import { banner } from "./banner.ts";
import { feedDecisions } from "./decision-feed.ts";
import { configOrExit, DATA_DIR, EXIT_BAD_CONFIG, uniqueConsumerName } from "./environment.ts";
import { openLogger } from "./logger.ts";
import { startRouter } from "./router.ts";
import { openStack, SchemaMissingError, type Stack } from "./stack.ts";
import { messageOf } from "./trouble.ts";

/** The composition root: everything on this machine, from the environment to the last signal handler. */

const { env } = process;
const config = configOrExit(env);
const logger = openLogger(config.logLevel, {
  forPeople: process.stdout.isTTY || config.redisUrl === undefined,
});

/** Ends the process when it cannot do its work any more; whoever started it starts it again. */
function fail(error: Error): void {
  logger.fatal(messageOf(error));
  process.exit(1);
}

async function openStackOrExit(): Promise<Stack> {
  try {
    return await openStack({ config, env, dataDir: DATA_DIR, logger, onDatabaseLost: fail });
  } catch (error) {
    console.error(messageOf(error));
    logger.debug({ err: error }, "start failed");
    process.exit(error instanceof SchemaMissingError ? EXIT_BAD_CONFIG : 1);
  }
}

const stack = await openStackOrExit();
const { redisUrl, database } = stack;
const consumer = config.consumerName ?? uniqueConsumerName();
const router = await startRouter({ config, redisUrl, consumer, database, logger });
console.log(banner({ config, stack, consumer, redisUrl: redactUrl(redisUrl) }));

const stopping = new AbortController();
const feedConnection = openRedis({
  url: redisUrl,
  role: "blocking",
  name: `${consumer}:feed`,
  blockMs: 2_000,
  onError: (error) => logger.debug({ err: error }, "Redis connection of the decision feed"),
});
const feed = feedDecisions(feedConnection, {
  keys: keysOf(config.keyPrefix),
  print: (text) => console.log(text),
  stopping: stopping.signal,
});

async function stop(reason: string): Promise<void> {
  stopping.abort();
  feedConnection.disconnect();
  await router.stop(reason);
  await feed;
  await stack.stop();
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    logger.info(`${signal}: finishing what is in hand; once more to exit at once`);
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, "could not stop in order");
        process.exit(1);
      },
    );
  });
}
