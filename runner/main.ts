import { withManyListeners } from "../shared/abort.ts";
import { configRemarks } from "../shared/config/config-remarks.ts";
import { redactUrl } from "../shared/config/redact-url.ts";
import { secretsOf } from "../shared/config/secrets.ts";
import { messageOf } from "../shared/error-message.ts";
import { DataFolderError } from "../shared/io/files/private-files.ts";
import { openRedis } from "../shared/io/redis/connection.ts";
import { keysOf } from "../shared/keys.ts";
import { concernsStrategies, splitTickers } from "../shared/reference/split-tickers.ts";
import { CLOSE_MS, type StopOutcome } from "../shared/running.ts";
import { singleFlight } from "./engine/single-flight.ts";
import {
  configOrExit,
  DATA_DIR,
  EXIT_BAD_CONFIG,
  MisconfigurationError,
  uniqueConsumerName,
} from "./environment.ts";
import { serveOwner } from "./http/serve-owner.ts";
import { serveHttp, type ServedApp } from "./http/serve.ts";
import type { HttpServer } from "./http/server/server.ts";
import { withLocalSecrets } from "./local/secrets.ts";
import { startRouter } from "./router.ts";
import { refuseOccupiedGroups, refuseOtherMode } from "./setup/admission.ts";
import { openBackingServices } from "./setup/backing-services.ts";
import { banner, bannerFields, RUNNING, shownSecrets } from "./setup/banner.ts";
import { openServices } from "./setup/services.ts";
import { keepHeapSmall } from "./setup/v8-flags.ts";
import { logConsole } from "./telemetry/console-log.ts";
import { feedDecisions } from "./telemetry/decision-feed.ts";
import { openLogger } from "./telemetry/logger.ts";

/** `npm start`, the composition root: puts the router together, from the environment to the signal handlers. */

keepHeapSmall();
const { env } = process;
const isTerminal = process.stdout.isTTY;
const forPeople = isTerminal || (env["REDIS_URL"] ?? "").trim() === "";
const given = configOrExit(env, report);
const isLocal = given.redisUrl === undefined;
const logger = openLogger(given.logLevel, { forPeople });
logConsole(logger);
for (const { message } of configRemarks(env, given)) logger.warn(message);

/** Says why the router does not start, whatever LOG_LEVEL is: as text, or as a line of the log when that is JSON. */
function report(message: string): void {
  if (forPeople) process.stderr.write(`${message}\n`);
  else openLogger("fatal", { forPeople }).fatal(message.replaceAll("\n", "; "));
}

/** Prints text for people; where the output is JSON, one line of the log with the same as fields. */
function print(text: string, fields: object): void {
  if (forPeople) process.stdout.write(`${text}\n`);
  else logger.info(fields, text.split("\n", 1)[0]);
}

/** Stops the router; until it is started there is nothing to stop. */
let stop: (reason: string) => Promise<StopOutcome> = async () => "finished";
/** Time of the first signal, from `performance.now()`. */
let stoppingSince: number | undefined;
/** With npm, Ctrl-C arrives twice within some 10 ms: from the terminal and from npm. */
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
    logger.info(`${signal}: finishing the work in flight; send it again to exit at once`);
    // The process ends at SHUTDOWN_MS_MAX even if something hangs.
    setTimeout(() => process.exit(1), given.shutdownMsMax);
    stop(signal).then((outcome) => process.exit(outcome === "finished" ? 0 : 1), fail);
  });
}

process.on("uncaughtException", fail);

/** Ends the process when it can no longer work; its supervisor starts it again. */
function fail(error: unknown): void {
  logger.fatal({ err: error }, messageOf(error));
  process.exit(1);
}

/** The result of a step of the start; a failure is printed with what to do, and ends the process. */
async function orExit<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    report(messageOf(error));
    logger.debug({ err: error }, "start failed");
    const isLasting = error instanceof MisconfigurationError || error instanceof DataFolderError;
    const code = isLasting ? EXIT_BAD_CONFIG : 1;
    setTimeout(() => process.exit(code), given.shutdownMsMax);
    await stop("the start failed").finally(() => process.exit(code));
    throw error;
  }
}

const config = isLocal ? await orExit(async () => withLocalSecrets(given, DATA_DIR)) : given;
const consumer = config.consumerName ?? uniqueConsumerName();
const backing = await orExit(async () =>
  openBackingServices({ config, env, dataDir: DATA_DIR, logger, onDatabaseLost: fail }),
);
const { redisUrl, database } = backing;
const ending = new AbortController();
const services = openServices({
  config,
  redisUrl,
  consumer,
  database,
  logger,
  secrets: secretsOf(env, config),
  stopping: withManyListeners(ending.signal),
});
let isAdmitted = backing.isAdmitted;

/** Redis may not have answered at the start, or have been emptied since: a loop asks whenever it starts to read. */
const admission = singleFlight(async () => {
  const { redis, keys } = services;
  if (isAdmitted) return refuseOtherMode(redis, keys, services, { unknownIs: config.shadow });
  try {
    await refuseOccupiedGroups(redis, keys, services);
    isAdmitted = true;
  } catch (error) {
    if (error instanceof MisconfigurationError) {
      report(messageOf(error));
      // Nothing has been read yet.
      await backing.stop().finally(() => process.exit(EXIT_BAD_CONFIG));
    }
    throw error;
  }
});
const router = await startRouter(services, admission);

const feedEnds = new AbortController();
const feedConnection = openRedis({
  url: redisUrl,
  key: services.keys.stream("signals_stream"),
  leaseMs: config.leaseMs,
  role: "blocking",
  name: `${consumer}:feed`,
  blockMs: 2_000,
  onError: (error) => logger.debug({ err: error }, "Redis connection of the decision feed"),
});
void feedDecisions(feedConnection, {
  keys: keysOf(config.keyPrefix, config),
  print,
  async nameOf(strategyId) {
    const context = await services.routing.get();
    return "status" in context ? undefined : context.snapshot.strategies.get(strategyId)?.name;
  },
  stopping: feedEnds.signal,
});
let http: ServedApp | undefined;
let ownersSocket: HttpServer | undefined;

stop = async (reason) => {
  ending.abort();
  feedEnds.abort();
  feedConnection.disconnect();
  // No request is accepted from now on. Requests in flight need no loop, so both sides stop at the same time.
  const msMax = Math.max(0, config.shutdownMsMax - CLOSE_MS);
  const outcomes = await Promise.all([
    router.stop({ reason }),
    http?.stop({ msMax }),
    ownersSocket?.stop({ msMax }),
  ]);
  http?.close();
  services.close();
  await backing.stop();
  return outcomes.includes("cut_off") ? "cut_off" : "finished";
};

http = await orExit(async () => serveHttp(services));
// Commands of this folder cannot use what this process alone has: the embedded database, the settings of the local Redis.
if (isLocal || given.databaseUrl === undefined) ownersSocket = await serveOwner(services, DATA_DIR);

const secrets = shownSecrets({ given, config, isTerminal });
const current = forPeople ? await services.routing.get() : undefined;
const facts = {
  config,
  backing,
  consumer,
  redisUrl: redactUrl(redisUrl),
  httpUrl: http?.url,
  secrets,
  splitTickers:
    current === undefined || "status" in current
      ? []
      : splitTickers(current.snapshot).filter(concernsStrategies),
};
if (forPeople) print(banner(facts), {});
else logger.info(bannerFields(facts), RUNNING);
