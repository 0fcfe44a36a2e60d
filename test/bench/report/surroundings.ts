import { execFile } from "node:child_process";
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { Client } from "pg";
import { readRedisFacts } from "../../../shared/io/redis/server-facts.ts";
import type { Bench } from "../measure.ts";

/** The machine and the versions of a run. */
export interface Surroundings {
  readonly cpu: string;
  readonly cores: number;
  /** GiB. */
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** `Redis 7.0.15` or `Valkey 8.0.1`. */
  readonly redis: string;
  readonly postgres: string;
  /** Commit of the source; undefined outside a clone. */
  readonly commit: { readonly id: string; readonly changed: boolean } | undefined;
  /** Of the minute before the start; 0 where the system does not report it. */
  readonly loadAverage: number;
}

/** Collects them from the system, git and the measured servers. */
export async function surroundingsOf(
  bench: Pick<Bench, "startRedis" | "freshDatabase">,
): Promise<Surroundings> {
  // Before the bench starts anything.
  const [loadAverage = 0] = loadavg();
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown CPU",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.versions.node,
    redis: await redisVersion(bench),
    postgres: await postgresVersion(bench),
    commit: await commitHere(),
    loadAverage,
  };
}

async function redisVersion(bench: Pick<Bench, "startRedis">): Promise<string> {
  const server = await bench.startRedis();
  const redis = new Redis(server.url);
  try {
    const { version = "of unknown version", valkey } = await readRedisFacts(redis);
    return `${valkey ? "Valkey" : "Redis"} ${version}`;
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function postgresVersion(bench: Pick<Bench, "freshDatabase">): Promise<string> {
  const database = await bench.freshDatabase();
  const client = new Client({ connectionString: database.url });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    return `PostgreSQL ${rows[0]?.server_version ?? "of unknown version"}`;
  } finally {
    await client.end();
    await database.drop();
  }
}

async function commitHere(): Promise<Surroundings["commit"]> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: import.meta.dirname })).stdout.trim();
  try {
    const id = await git("rev-parse", "--short", "HEAD");
    return { id, changed: (await git("status", "--porcelain")) !== "" };
  } catch {
    // No git, or not a clone.
    return undefined;
  }
}
