import { Redis } from "ioredis";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { startScript, untilItRuns, type RouterProcess } from "../servers/router-process.ts";
import type { Bench } from "./measure.ts";
import { publishReference, WORKLOAD, type WorkloadShape } from "./workload.ts";

/** Servers with the workload's reference data, and a way to start routers on them. */
export interface Stage {
  readonly redisUrl: string;
  readonly redisPort: number;
  readonly databaseUrl: string;
  readonly redis: Redis;
  readonly keys: Keys;
  /** Starts a router that decides signals; it is killed with the stage at the latest. */
  readonly startRouter: (env?: Readonly<Record<string, string>>) => RouterProcess;
}

/** Variables of routers and serverless instances in a run, besides those of their servers. */
export const ROUTER_ENV = {
  FUNCTIONS: "process-signals,reclaim",
  HTTP_PORT: "0",
  HTTP_TOKEN: "only-for-this-run-of-the-bench",
} as const;

export interface StageOptions {
  /** See {@link Bench.startRedis}. */
  readonly aof?: "everysec" | "off";
  /** The reference data. */
  readonly shape?: WorkloadShape;
}

/** Starts the servers for `use`, and stops them after it. */
export async function onStage<Result>(
  bench: Bench,
  use: (stage: Stage) => Promise<Result>,
  { aof = "everysec", shape = WORKLOAD }: StageOptions = {},
): Promise<Result> {
  const server = await bench.startRedis({ aof });
  const database = await bench.freshDatabase();
  const redis = new Redis(server.url);
  const keys = keysOf("");
  const routers: RouterProcess[] = [];
  try {
    await publishReference(redis, keys, shape);
    return await use({
      redisUrl: server.url,
      redisPort: server.port,
      databaseUrl: database.url,
      redis,
      keys,
      startRouter(env = {}) {
        const servers = { REDIS_URL: server.url, DATABASE_URL: database.url };
        const router = startScript("runner/main.ts", { ...servers, ...ROUTER_ENV, ...env });
        routers.push(router);
        return router;
      },
    });
  } finally {
    for (const router of routers) router.signal("SIGKILL");
    await Promise.all(routers.map(async (router) => router.ended()));
    redis.disconnect();
    await server.stop();
    await database.drop();
  }
}

/** The same with one router that is running and idle. */
export async function onStageWithRouter<Result>(
  bench: Bench,
  use: (stage: Stage & { readonly router: RouterProcess }) => Promise<Result>,
): Promise<Result> {
  return onStage(bench, async (stage) => use({ ...stage, router: await untilItRuns(stage.startRouter()) }));
}
