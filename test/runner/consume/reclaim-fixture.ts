import { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeEach, onTestFinished } from "vitest";
import { openSession, type ConsumerSession } from "../../../runner/consume/consumer-session.ts";
import { startPollLoop } from "../../../runner/consume/poll-loop.ts";
import type { Answer, Binding, ConcurrentWork } from "../../../runner/engine/binding.ts";
import { onDemandDeps } from "../../../runner/engine/on-demand-deps.ts";
import type { Holding, Holdings } from "../../../runner/holding/holdings.ts";
import { holdingsOn } from "../../../runner/holding/open-holdings.ts";
import { eventLogOn } from "../../../runner/telemetry/event-log.ts";
import type { Entry } from "../../../shared/entry.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { FUNCTION_NAMES } from "../../../shared/function-names.ts";
import { NO_EFFECTS, type Unavailable } from "../../../shared/function.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { redisClock } from "../../../shared/io/redis/clock.ts";
import { openRedis } from "../../../shared/io/redis/connection.ts";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import type { Running } from "../../../shared/running.ts";
import { freshPrefix, redisUrl } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

export const STREAM = "signals_stream";
export const GROUP = "signal_processor";

export interface LoopOptions {
  /** What the function answers. */
  readonly answer: (entries: readonly Entry[]) => Answer | Unavailable | Promise<Answer>;
  readonly claimIdleMs: number;
  readonly blockMs: number;
  readonly reclaims: boolean;
  /** Default: 5 s. */
  readonly leaseMs?: number;
  /** What makes the work concurrent, as that of tasks. */
  readonly concurrent?: ConcurrentWork;
  /** Called with each holding. */
  readonly onHeld?: (holding: Holding) => void;
  /** Called with each event. */
  readonly onEvent?: (event: SystemEvent) => void;
  /** Where the connection for reads goes. Default: to Redis itself. */
  readonly blockingUrl?: string;
}

const ignored = (): void => undefined;

/** A group that is new for each test, and consumers of it in this process: poll loops with a function of the test's. */
export function useReclaiming() {
  const redis = connectRedis();
  let keys: Keys;
  let loops = 0;
  beforeEach(async () => {
    keys = keysOf(freshPrefix());
    await redis.xgroup("CREATE", keys.stream(STREAM), GROUP, "0", "MKSTREAM");
  });
  afterAll(() => redis.disconnect());

  const bindingOf = (answer: LoopOptions["answer"], concurrent?: ConcurrentWork): Binding => ({
    ...(concurrent === undefined ? {} : { concurrent }),
    functionName: "process-signals",
    stream: STREAM,
    group: GROUP,
    async *run(entries) {
      yield await answer(entries);
    },
    invalidate: () => undefined,
  });
  const depsOn = (connection: Redis, { claimIdleMs }: { claimIdleMs: number }) => {
    const clock = redisClock(connection);
    const commit = commitOn(connection, keys, { dedupTtlMs: 60_000 });
    const events = eventLogOn(connection, keys, clock, pino({ level: "silent" }));
    return {
      redis: connection,
      keys,
      clock,
      commit,
      events,
      claimIdleMs,
      deliveriesMax: 5,
      batchCountMax: 256,
    };
  };

  /** Starts a poll loop, whose reads block; it is stopped after the test at the latest. */
  function startLoop({
    answer,
    blockingUrl,
    concurrent,
    onHeld = ignored,
    onEvent,
    leaseMs = 5_000,
    ...options
  }: LoopOptions): Running & { readonly name: string } {
    const name = `loop-${keys.prefix}`;
    const blocking = openRedis({
      key: "test",
      url: blockingUrl ?? redisUrl(),
      role: "blocking",
      name,
      blockMs: options.blockMs,
      onError: ignored,
    });
    const abort = new AbortController().signal;
    const deps = depsOn(redis, options);
    const events = onEvent === undefined ? deps.events : { ...deps.events, publish: onEvent };
    const shared = { ...deps, events };
    const consumer = `loop-${(loops += 1)}`;
    const config = { leaseMs, functions: [...FUNCTION_NAMES] };
    const holdings = holdingsOn({ config, redisUrl: redisUrl(), consumer, keys, events: shared.events });
    const reporting: Holdings = {
      ...holdings,
      async hold(group, wait) {
        const holding = await holdings.hold(group, wait);
        if (holding !== undefined) onHeld(holding);
        return holding;
      },
    };
    const all = { ...shared, ...options, ...config, holdings: reporting, blocking, consumer, abort };
    const loop = startPollLoop(bindingOf(answer, concurrent), all);
    onTestFinished(async () => {
      await loop.stop();
      await holdings.close();
    });
    return { ...loop, name };
  }

  /** A consumer that does nothing by itself, on a connection of its own. */
  function session(
    connection: Redis,
    { answer = allDone, ...options }: { claimIdleMs: number; answer?: LoopOptions["answer"] },
  ): ConsumerSession {
    const deps = depsOn(connection, options);
    const stopping = new AbortController().signal;
    const all = { ...deps, ...onDemandDeps(deps, { msMax: 60_000 }), stopping };
    const opened = openSession(bindingOf(answer), all, { consumer: "session" });
    onTestFinished(async () => opened.leave());
    return opened;
  }

  /** Adds entries that were delivered to a consumer which is gone, `idleMs` ago; returns their ids. */
  async function abandon(count: number, idleMs: number): Promise<readonly string[]> {
    const pipeline = redis.pipeline();
    for (let n = 0; n < count; n += 1) pipeline.xadd(keys.stream(STREAM), "*", "n", n);
    const ids = ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
    await redis.xgroup("SETID", keys.stream(STREAM), GROUP, `${Number(ids[0]?.split("-")[0]) - 1}-0`);
    await redis.xreadgroup("GROUP", GROUP, "gone", "COUNT", count, "STREAMS", keys.stream(STREAM), ">");
    await redis.xclaim(
      ...([keys.stream(STREAM), GROUP, "gone", 0, ...ids, "IDLE", idleMs, "JUSTID"] as const),
    );
    return ids;
  }

  return {
    redis,
    get key() {
      return keys.stream(STREAM);
    },
    startLoop,
    session,
    abandon,
    pendingCount: async () => Number((await redis.xpending(keys.stream(STREAM), GROUP))[0]),
    /** Whether a connection with this name waits in a read. */
    isBlocked: async (name: string) => {
      const clients = String(await redis.client("LIST")).split("\n");
      return clients.some((line) => line.includes(`name=${name} `) && / flags=\w*b/.test(line));
    },
  };
}

export const allDone = (entries: readonly Entry[]): Answer => ({
  status: "answered",
  results: entries.map(({ id }) => ({ id, status: "done", effects: NO_EFFECTS })),
});
