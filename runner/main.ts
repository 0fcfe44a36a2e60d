import { openRedis } from "../shared/io/redis.ts";
import { keysOf } from "../shared/keys.ts";
import { redactUrl } from "../shared/redact-url.ts";
import { strategySecrets } from "../shared/secrets.ts";
import { banner } from "./banner.ts";
import { feedDecisions } from "./decision-feed.ts";
import { configOrExit, DATA_DIR, EXIT_BAD_CONFIG, uniqueConsumerName } from "./environment.ts";
import { openLogger } from "./logger.ts";
import { startRouter, type StopOutcome } from "./router.ts";
import { openServices } from "./services.ts";
import { MisconfigurationError, openStack, type Stack } from "./stack.ts";
import { messageOf } from "./trouble.ts";

/** The composition root: everything on this machine, from the environment to the last signal handler. */

const { env } = process;
const config = configOrExit(env);
const forPeople = process.stdout.isTTY || config.redisUrl === undefined;
const logger = openLogger(config.logLevel, { forPeople });
/** Text for people; a line of the log when programs read the output. */
const print = (text: string): void => (forPeople ? console.log(text) : logger.info(text));

/** What a signal asks for; until there is something to finish, to go at once. */
let stop: (reason: string) => Promise<StopOutcome> = async () => "finished";
let stopping = false;

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(code);
    stopping = true;
    logger.info(`${signal}: finishing what is in hand; once more to exit at once`);
    // Whatever else may hang: nobody waits for a process that was told to stop any longer than they said.
    setTimeout(() => process.exit(1), config.shutdownMsMax);
    stop(signal).then((outcome) => process.exit(outcome === "finished" ? 0 : 1), fail);
  });
}

/** Ends the process when it cannot do its work any more; whoever started it starts it again. */
function fail(error: unknown): void {
  logger.fatal({ err: error }, messageOf(error));
  process.exit(1);
}

async function openStackOrExit(): Promise<Stack> {
  try {
    return await openStack({ config, env, dataDir: DATA_DIR, logger, onDatabaseLost: fail });
  } catch (error) {
    console.error(messageOf(error));
    logger.debug({ err: error }, "start failed");
    process.exit(error instanceof MisconfigurationError ? EXIT_BAD_CONFIG : 1);
  }
}

const stack = await openStackOrExit();
const { redisUrl, database } = stack;
const consumer = config.consumerName ?? uniqueConsumerName();
const secrets = strategySecrets(env, [config.httpToken, config.webhookSecret]);
const services = openServices({ config, redisUrl, consumer, database, logger, secrets });
const router = await startRouter(services);

const feedEnds = new AbortController();
const feedConnection = openRedis({
  url: redisUrl,
  role: "blocking",
  name: `${consumer}:feed`,
  blockMs: 2_000,
  onError: (error) => logger.debug({ err: error }, "Redis connection of the decision feed"),
});
void feedDecisions(feedConnection, {
  keys: keysOf(config.keyPrefix),
  print,
  stopping: feedEnds.signal,
});

stop = async (reason) => {
  feedEnds.abort();
  feedConnection.disconnect();
  const outcome = await router.stop(reason);
  services.close();
  await stack.stop();
  return outcome;
};

print(banner({ config, stack, consumer, redisUrl: redactUrl(redisUrl) }));
