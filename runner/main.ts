import { setMaxListeners } from "node:events";
import { redactUrl } from "../shared/config/redact-url.ts";
import { strategySecrets } from "../shared/config/secrets.ts";
import { messageOf } from "../shared/error-message.ts";
import { openRedis } from "../shared/io/redis/connection.ts";
import { keysOf } from "../shared/keys.ts";
import { CLOSE_MS, type StopOutcome } from "./engine/running.ts";
import {
  configOrExit,
  DATA_DIR,
  EXIT_BAD_CONFIG,
  MisconfigurationError,
  uniqueConsumerName,
} from "./environment.ts";
import { serveHttp, type ServedApp } from "./http/serve.ts";
import { withLocalSecrets } from "./local/secrets.ts";
import { startRouter } from "./router.ts";
import { openBackingServices } from "./setup/backing-services.ts";
import { banner, shownSecrets } from "./setup/banner.ts";
import { openServices } from "./setup/services.ts";
import { keepHeapSmall } from "./setup/v8-flags.ts";
import { feedDecisions } from "./telemetry/decision-feed.ts";
import { openLogger } from "./telemetry/logger.ts";

/** The composition root: everything on this machine, from the environment to the last signal handler. */

keepHeapSmall();
const { env } = process;
const given = configOrExit(env);
const isLocal = given.redisUrl === undefined;
const forPeople = process.stdout.isTTY || isLocal;
const logger = openLogger(given.logLevel, { forPeople });
/** Text for people; a line of the log when programs read the output. */
const print = (text: string): void => (forPeople ? console.log(text) : logger.info(text));

/** What a signal asks for; until there is something to finish, to go at once. */
let stop: (reason: string) => Promise<StopOutcome> = async () => "finished";
/** When the first signal came, as `performance.now()` tells it. */
let stoppingSince: number | undefined;
/** Ctrl-C in a terminal comes twice within some 10 ms when npm has started this: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 300;

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  process.on(signal, () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
      process.exit(code);
    }
    stoppingSince = performance.now();
    logger.info(`${signal}: finishing what is in hand; once more to exit at once`);
    // Whatever else may hang: nobody waits for a process that was told to stop any longer than they said.
    setTimeout(() => process.exit(1), given.shutdownMsMax);
    stop(signal).then((outcome) => process.exit(outcome === "finished" ? 0 : 1), fail);
  });
}

/** Ends the process when it cannot do its work any more; whoever started it starts it again. */
function fail(error: unknown): void {
  logger.fatal({ err: error }, messageOf(error));
  process.exit(1);
}

/** The result of a step of the start, or the end of the process with what was wrong and what to do. */
async function orExit<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    console.error(messageOf(error));
    logger.debug({ err: error }, "start failed");
    const code = error instanceof MisconfigurationError ? EXIT_BAD_CONFIG : 1;
    setTimeout(() => process.exit(code), given.shutdownMsMax);
    await stop("the start failed").finally(() => process.exit(code));
    throw error;
  }
}

const config = isLocal ? await orExit(async () => withLocalSecrets(given, DATA_DIR)) : given;
const backing = await orExit(async () =>
  openBackingServices({ config, env, dataDir: DATA_DIR, logger, onDatabaseLost: fail }),
);
const { redisUrl, database } = backing;
const consumer = config.consumerName ?? uniqueConsumerName();
const ending = new AbortController();
// Every call by hand listens for it, however many there are at a time.
setMaxListeners(0, ending.signal);
const services = openServices({
  config,
  redisUrl,
  consumer,
  database,
  logger,
  secrets: strategySecrets(env, [config.httpToken, config.webhookSecret, config.notifyUrl]),
  stopping: ending.signal,
});
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
let http: ServedApp | undefined;

stop = async (reason) => {
  ending.abort();
  feedEnds.abort();
  feedConnection.disconnect();
  // From here on no request is taken. Those under way need no loop, and each side has all of the time.
  const requests = http?.stop({ msMax: Math.max(0, config.shutdownMsMax - CLOSE_MS) });
  const outcomes = await Promise.all([router.stop({ reason }), requests]);
  http?.close();
  services.close();
  await backing.stop();
  return outcomes.includes("cut_off") ? "cut_off" : "finished";
};

http = await orExit(async () => serveHttp(services));

const secrets = shownSecrets({ given, config, forPeople });
print(banner({ config, backing, consumer, redisUrl: redactUrl(redisUrl), httpUrl: http?.url, secrets }));
