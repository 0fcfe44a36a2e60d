import type { Redis } from "ioredis";
import { startClient } from "../clients/client-process.ts";
import type { InstanceTask, InstanceTimes } from "../clients/fetch-instance.ts";
import type { Figure, Measure } from "../measure.ts";
import { median, percentile } from "../percentiles.ts";
import { onStage, ROUTER_ENV, type Stage } from "../stage.ts";
import { signalAt, WORKLOAD } from "../workload.ts";

/** Time from the start of a process to its first result. */
export const coldStart: Measure = {
  id: "cold-start",
  title: "Cold start",
  async run(bench) {
    return onStage(bench, async (stage) => {
      const starts = Math.max(3, bench.scaled(STARTS));
      const routerMs: number[] = [];
      bench.say(`${starts} starts of a router`);
      for (let i = 0; i < starts; i += 1) routerMs.push(await routerStart(stage, i));
      const instances: InstanceTimes[] = [];
      bench.say(`${starts} starts of a serverless instance`);
      for (let i = 0; i < starts; i += 1) instances.push(await instanceStart(stage, starts + i));
      return [
        ...figuresOf("router: process start → first decision read", routerMs),
        ...figuresOf(
          "fetch entry: process start → first answer",
          instances.map(({ loadedMs, handledMs }) => loadedMs + handledMs),
        ),
        {
          name: "fetch entry: loading Node, the loader and the modules",
          value: median(instances.map(({ loadedMs }) => loadedMs)),
          unit: "ms",
          note: "TypeScript run by tsx with a filled cache; a bundle loads faster",
        },
        {
          name: "fetch entry: the request",
          value: median(instances.map(({ handledMs }) => handledMs)),
          unit: "ms",
          note: "POST /functions/process-signals/poll with one signal waiting: connecting, deciding, committing",
        },
      ];
    });
  },
};

const STARTS = 9;
const DECIDED_MS_MAX = 30_000;

function figuresOf(name: string, tookMs: readonly number[]): Figure[] {
  return [
    {
      name,
      value: median(tookMs),
      unit: "ms",
      note: `median of ${tookMs.length} starts, longest ${percentile(tookMs, 1).toFixed(0)} ms; servers on the same machine, reference published, one signal waiting`,
    },
  ];
}

/** Starts a router with one signal waiting; ms until its decision is read. */
async function routerStart({ redis, keys, startRouter }: Stage, i: number): Promise<number> {
  const results = keys.stream("signal_results");
  const [last] = await redis.xrevrange(results, "+", "-", "COUNT", 1);
  const signal = await addSignal(redis, keys.stream("signals_stream"), i);
  const startedAt = performance.now();
  const router = startRouter();
  const reply = await redis.xread("BLOCK", DECIDED_MS_MAX, "STREAMS", results, last?.[0] ?? "0");
  const tookMs = performance.now() - startedAt;
  router.signal("SIGKILL");
  await router.ended();
  const fields = reply?.[0]?.[1][0]?.[1] ?? [];
  if (fields[fields.indexOf("entry_id") + 1] !== signal) throw new Error(`no decision:\n${router.output()}`);
  return tookMs;
}

async function instanceStart(stage: Stage, i: number): Promise<InstanceTimes> {
  await addSignal(stage.redis, stage.keys.stream("signals_stream"), i);
  const task: InstanceTask = {
    path: "/functions/process-signals/poll",
    token: ROUTER_ENV.HTTP_TOKEN,
  };
  const env = {
    REDIS_URL: stage.redisUrl,
    DATABASE_URL: stage.databaseUrl,
    HTTP_TOKEN: ROUTER_ENV.HTTP_TOKEN,
  };
  const times = await startClient<InstanceTimes>("fetch-instance.ts", task, env).answer();
  const { committed } = JSON.parse(times.body) as { committed?: number };
  if (times.status !== 200 || committed !== 1) throw new Error(`the instance answered ${times.body}`);
  return times;
}

async function addSignal(redis: Redis, stream: string, i: number): Promise<string> {
  return String(await redis.xadd(stream, "*", ...Object.entries(signalAt(i, WORKLOAD, Date.now())).flat()));
}
