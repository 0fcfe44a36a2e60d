import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { confirmOn, TooFewReplicasError, type Confirm } from "../../shared/io/redis/confirm.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { RedisMisconfiguredError } from "../../shared/io/redis/redis-errors.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { redisRefusalIn, refusalText } from "../../shared/redis-refusal.ts";
import { configOrExit, DATA_DIR, EXIT_BAD_CONFIG, type Environment } from "../environment.ts";
import { findRedisServer } from "../local/find-redis.ts";
import { localRedisUrl, startLocalRedis } from "../local/redis-server.ts";
import { throwMisconfiguration } from "../setup/check-redis.ts";
import { openLogger } from "../telemetry/logger.ts";
import { folderRouter, type FolderRouter } from "./folder-router.ts";

/** A connection of the command line to the router's Redis, with the configuration of that router, or of this environment. */
export interface Connection {
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly config: Config;
  readonly confirm: Confirm;
}

/** An error that the user can fix: its message is printed without a stack trace. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(
    message: string,
    { exitCode = 1, ...options }: ErrorOptions & { readonly exitCode?: number } = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The router that runs in this folder, as far as the environment needs one. @throws CliError when it is not the one that is meant */
export async function runningRouter(
  env: Environment,
  config: Config,
  dataDir = DATA_DIR,
): Promise<RunningRouter | undefined> {
  const found = await folderRouter(config, { env, dataDir });
  if (found.status === "unusable") throw new CliError(found.message);
  if (found.status === "refused") throw new CliError(found.message, { exitCode: EXIT_BAD_CONFIG });
  return found.status === "runs" ? found : undefined;
}

export type RunningRouter = Extract<FolderRouter, { readonly status: "runs" }>;

/** Why there is no Redis to work on. */
export const NO_ROUTER =
  "REDIS_URL is not set and no router runs in this folder: start one with `npm start`, or set REDIS_URL";

/**
 * Runs a command on the Redis of REDIS_URL, or of the router that runs in this folder, with the settings of that router.
 * @throws CliError when there is none, or it does not answer; MisconfigurationError when its database cannot be selected
 */
export async function withRedis<T>(
  env: Environment,
  command: (connection: Connection) => Promise<T>,
  dataDir = DATA_DIR,
): Promise<T> {
  const given = configOrExit(env);
  const settings = (await runningRouter(env, given, dataDir))?.settings;
  const config = settings === undefined ? given : configOrExit({ ...env, ...settings.settings });
  const url = given.redisUrl ?? settings?.redis_url ?? (await localRedisUrl(dataDir));
  if (url === undefined) throw new CliError(NO_ROUTER);
  const keys = keysOf(config.keyPrefix, config);
  let lastError: Error | undefined;
  const redis = openRedis({
    url,
    key: keys.stream("signals_stream"),
    role: "commands",
    name: "cli",
    staysOnReplica: true,
    onError: (error) => {
      lastError = error;
    },
  });
  const confirmation = confirmOn({
    redis,
    url,
    name: "cli:confirm",
    key: keys.confirmed,
    replicasMin: config.redisReplicasMin,
    msMax: config.redisReplicasMsMax,
    onError: () => undefined,
  });
  try {
    // Not PING, which a Redis that cannot save its data refuses.
    await redis.time();
    return await command({ redisUrl: url, redis, keys, config, confirm: confirmation.confirm });
  } catch (error) {
    if (error instanceof TooFewReplicasError) throw new CliError(error.message);
    if (error instanceof RedisMisconfiguredError) throwMisconfiguration(error);
    const refusal = redisRefusalIn(error) ?? redisRefusalIn(lastError);
    if (refusal !== undefined) throw new CliError(`Redis at ${redactUrl(url)}: ${refusalText(refusal)}`);
    throw redis.status === "ready"
      ? error
      : new CliError(`Redis at ${redactUrl(url)} does not answer: ${String(lastError ?? error)}`);
  } finally {
    redis.disconnect();
    confirmation.close();
  }
}

/** The same for a command that works without a running router: then the local Redis is started for the time of the command. */
export async function withRedisStarted<T>(
  env: Environment,
  command: (connection: Connection) => Promise<T>,
  dataDir = DATA_DIR,
): Promise<T> {
  const { redisUrl } = configOrExit(env);
  const isStopped =
    redisUrl === undefined &&
    existsSync(join(dataDir, "redis")) &&
    (await localRedisUrl(dataDir)) === undefined;
  if (!isStopped) return withRedis(env, command, dataDir);
  const log = openLogger("warn", { forPeople: true });
  const local = await startLocalRedis({
    dataDir,
    log,
    findServer: async () => findRedisServer({ env }),
  });
  try {
    return await withRedis(env, command, dataDir);
  } finally {
    await local.stop();
  }
}
