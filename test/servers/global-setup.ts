import { rm } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { buildScripts } from "./built-scripts.ts";
import { createTemplate } from "./database.ts";
import { removeLeftovers, serverFolder } from "./folder.ts";
import { startPostgres, type PostgresServer } from "./postgres.ts";
import { startRedis } from "./redis.ts";

declare module "vitest" {
  export interface ProvidedContext {
    redisUrl: string;
    postgresUrl: string;
    /** Name of a database that has all tables, to be copied. */
    migratedTemplate: string;
    /** For what is made once per run. */
    runFolder: string;
  }
}

const TEMPLATE = "migrated";

/**
 * One Redis and one Postgres for the whole run, where each test file has its own prefix and database, and one build of the
 * scripts that tests start.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers();
  const runFolder = await serverFolder("run");
  const build = async (): Promise<void> => buildScripts(runFolder);
  const [redis, postgres, built] = await Promise.allSettled([startRedis(), startMigratedPostgres(), build()]);
  const stop = async (): Promise<void> => {
    if (redis.status === "fulfilled") await redis.value.stop();
    if (postgres.status === "fulfilled") await postgres.value.stop();
    await rm(runFolder, { recursive: true, force: true });
  };
  if (redis.status === "rejected" || postgres.status === "rejected" || built.status === "rejected") {
    await stop();
    const reasons = [redis, postgres, built].flatMap((each) =>
      each.status === "rejected" ? [each.reason] : [],
    );
    throw new AggregateError(reasons, "what the tests need did not start");
  }
  project.provide("redisUrl", redis.value.url);
  project.provide("postgresUrl", postgres.value.url);
  project.provide("migratedTemplate", TEMPLATE);
  project.provide("runFolder", runFolder);
  project.onTestsRerun(build);
  return stop;
}

async function startMigratedPostgres(): Promise<PostgresServer> {
  const server = await startPostgres();
  try {
    await createTemplate(server.url, TEMPLATE);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
