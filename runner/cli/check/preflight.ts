import type { Config } from "../../../shared/config/config.ts";
import { clockRemark } from "../../../shared/config/redis-measures.ts";
import { warning } from "../../../shared/config/remark.ts";
import { secretsOf } from "../../../shared/config/secrets.ts";
import { databaseTime } from "../../../shared/io/postgres/database-facts.ts";
import { aheadOfRedis } from "../../../shared/io/redis/clock-difference.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import { keysOf } from "../../../shared/keys.ts";
import type { ReferenceContent } from "../../../shared/reference/reference.ts";
import type { Environment } from "../../environment.ts";
import { localRedisUrl } from "../../local/redis-server.ts";
import { inTime, lineOf, linesOf, notChecked, type CheckLine } from "./check-line.ts";
import { checkEnvironment } from "./environment.ts";
import { checkPostgres, type CheckedPostgres } from "./postgres.ts";
import { checkRedis, type CheckedRedis } from "./redis.ts";
import { checkReference } from "./reference.ts";
import { sourceRemarks } from "./sources.ts";
import { strategyRemarks } from "./strategies.ts";

/**
 * Checks everything that a router needs and changes nothing: the environment, Redis, Postgres, the reference, the strategies and
 * the clocks. A line for each check, never more than some seconds.
 */
export async function preflight(env: Environment, dataDir: string): Promise<readonly CheckLine[]> {
  const { lines, config, faulty } = checkEnvironment(env);
  if (config === undefined) {
    const why = "the variables have to be corrected first";
    return [
      ...lines,
      ...(["Redis", "Postgres", "Strategies"] as const).map((subject) => notChecked(subject, why)),
    ];
  }
  const [redis, postgres] = await Promise.all([
    redisChecked(config, dataDir, faulty),
    postgresChecked(config, dataDir, faulty),
  ]);
  try {
    const reference = postgres.database === undefined ? undefined : await checkReference(postgres.database);
    const content = reference?.content ?? (await publishedReference(redis, config));
    return [
      ...lines,
      ...redis.lines,
      ...postgres.lines,
      ...(reference?.lines ?? [notChecked("Reference", whereFrom(content))]),
      ...(content === undefined ? [] : sourceRemarks(content.sources, config)).map((remark) =>
        lineOf("Reference", remark),
      ),
      ...(await strategyLines(content, env, config)),
      ...(await clockLines(redis, postgres)),
    ];
  } finally {
    redis.close?.();
    await postgres.database?.close();
  }
}

async function redisChecked(
  config: Config,
  dataDir: string,
  faulty: ReadonlySet<string>,
): Promise<CheckedRedis> {
  if (faulty.has("REDIS_URL")) return { lines: [notChecked("Redis", "REDIS_URL has to be corrected first")] };
  const url = config.redisUrl ?? (await localRedisUrl(dataDir));
  if (url === undefined) {
    const message =
      "REDIS_URL is not set and no router runs in this folder: `npm start` starts a local Redis; to check another, set REDIS_URL";
    return { lines: [lineOf("Redis", warning(message))] };
  }
  const blockMs = Math.min(config.blockMs, BLOCK_MS_MAX);
  return checkRedis({
    url,
    keys: keysOf(config.keyPrefix, config),
    blockMs,
    replicas: { replicasMin: config.redisReplicasMin, msMax: config.redisReplicasMsMax },
    channels: config.referenceChannels,
    streams: config.referenceStreams,
    refreshMs: config.referenceRefreshMs,
  });
}

/** Longest time that the check waits for a blocking read. */
const BLOCK_MS_MAX = 2_000;

async function postgresChecked(
  config: Config,
  dataDir: string,
  faulty: ReadonlySet<string>,
): Promise<CheckedPostgres> {
  const wrong = ["DATABASE_URL", "DATABASE_SCHEMA", "NEON_WS_PROXY"].filter((variable) =>
    faulty.has(variable),
  );
  if (wrong.length === 0) return checkPostgres(config, dataDir);
  return { lines: [notChecked("Postgres", `${wrong.join(" and ")} has to be corrected first`)] };
}

/** The reference that a router has published, when the rows themselves cannot be read. */
async function publishedReference(
  { redis }: CheckedRedis,
  { keyPrefix, groupSuffix }: Config,
): Promise<ReferenceContent | undefined> {
  if (redis === undefined) return undefined;
  const stored = await inTime(referenceStoreOn(redis, keysOf(keyPrefix, { groupSuffix })).load()).catch(
    () => undefined,
  );
  return stored?.content;
}

function whereFrom(published: ReferenceContent | undefined): string {
  return published === undefined
    ? "its rows cannot be read, and Redis has none"
    : "its rows cannot be read; the strategies are checked as they were last published in Redis";
}

async function strategyLines(
  content: ReferenceContent | undefined,
  env: Environment,
  config: Config,
): Promise<readonly CheckLine[]> {
  if (config.shadow) return [notChecked("Strategies", "SHADOW=true: no strategy is run")];
  if (!config.functions.includes("execute-strategies"))
    return [notChecked("Strategies", "FUNCTIONS leaves execute-strategies out: another process runs them")];
  if (content === undefined) return [notChecked("Strategies", "the reference cannot be read")];
  const secrets = secretsOf(env, config);
  return linesOf("Strategies", "the strategies", async () =>
    strategyRemarks(content.strategies.values(), { config, secrets }),
  );
}

async function clockLines(
  { redis }: CheckedRedis,
  { database }: CheckedPostgres,
): Promise<readonly CheckLine[]> {
  if (redis === undefined) return [notChecked("Clocks", "they are compared with Redis'")];
  const host = await linesOf("Clocks", "this machine's clock", async () => [
    clockRemark("this machine's clock", await aheadOfRedis(redis)),
  ]);
  // The embedded database has this machine's clock.
  if (database === undefined || database.kind === "pglite") return host;
  const postgres = await linesOf("Clocks", "Postgres' clock", async () => [
    clockRemark("Postgres' clock", await aheadOfRedis(redis, async () => databaseTime(database))),
  ]);
  return [...host, ...postgres];
}
