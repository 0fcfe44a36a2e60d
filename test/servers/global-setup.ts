import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";

declare module "vitest" {
  export interface ProvidedContext {
    redisUrl: string;
    postgresUrl: string;
  }
}

/** One Redis and one Postgres for the whole run; each test file has its own prefix and database on them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startRedis(), startPostgres()]);
  const stop = async (): Promise<void> => {
    await Promise.all(
      started.flatMap((server) => (server.status === "fulfilled" ? [server.value.stop()] : [])),
    );
  };
  const [redis, postgres] = started;
  if (redis.status === "rejected" || postgres.status === "rejected") {
    await stop();
    throw new AggregateError(
      started.flatMap((server) => (server.status === "rejected" ? [server.reason] : [])),
      "the servers for the tests did not start",
    );
  }
  project.provide("redisUrl", redis.value.url);
  project.provide("postgresUrl", postgres.value.url);
  return stop;
}
