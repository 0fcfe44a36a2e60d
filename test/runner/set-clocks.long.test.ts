import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fieldsOf, type Fields } from "../../shared/entry.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { keysOf } from "../../shared/keys.ts";
import { referenceRows, signalFields } from "../builders.ts";
import { byPace } from "../long/pace.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { startRedis, type RedisServer } from "../servers/redis.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { settableClock, type SettableClock } from "../servers/settable-clock.ts";

/** Clocks that are set while signals flow: that of the router's machine, that of Redis', and both. */

const HOUR = 3_600_000;
const STEPS = byPace({ short: [HOUR, 0], full: [HOUR, 6 * 60_000, -HOUR, 0, 20 * HOUR, -400, 0] });
const BURST = byPace({ short: 10, full: 30 });
const CLAIM_IDLE_MS = 3_000;
const until = { timeout: 30_000, interval: 20 };

const router = useRouters();
const keys = keysOf("");
let clock: SettableClock;
let server: RedisServer;
let redis: Redis;

/** A Redis of the test's own, with the settable clock if it is `set`, and the routers that use it. */
async function start({ redisIsSet, routerIsSet }: { redisIsSet: boolean; routerIsSet: boolean }) {
  server = await startRedis({ aof: "off", env: redisIsSet ? clock.redisEnv : {} });
  redis = new Redis(server.url);
  await insertReference(router.databaseUrl, referenceRows());
  Object.assign(router.env, {
    REDIS_URL: server.url,
    KEY_PREFIX: "",
    FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
    CLAIM_IDLE_MS: String(CLAIM_IDLE_MS),
    ...(routerIsSet ? clock.env : {}),
  });
}

beforeEach(async () => {
  clock = await settableClock();
});
afterEach(async () => {
  redis.disconnect();
  await server.stop();
  await clock.remove();
});

let published = 0;
async function publish(changes: Fields = {}): Promise<void> {
  published += 1;
  const fields = signalFields({ uid: `u${published}`, ...changes });
  await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
}

interface Published {
  /** In the id: when it was committed, by Redis' clock. */
  readonly at: number;
  readonly fields: Fields;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  readonly data: any;
}

async function results(kind: string): Promise<Published[]> {
  const entries = await redis.xrange(keys.stream("signal_results"), "-", "+");
  return entries
    .map(([id, flat]) => ({ at: Number(id.split("-")[0]), fields: fieldsOf(flat) }))
    .filter(({ fields }) => fields["kind"] === kind)
    .map((entry) => ({ ...entry, data: JSON.parse(entry.fields["data"] ?? "") }));
}

/** Waits until every signal has a decision and the outcome of a task. */
async function untilDone(): Promise<void> {
  const count = await redis.xlen(keys.stream("signals_stream"));
  await vi.waitFor(async () => {
    expect(await results("signal")).toHaveLength(count);
    expect(await results("outcome")).toHaveLength(count);
  }, until);
}

/** Every signal was dispatched and run, nothing was decided in the future, and no batch was tried in vain again and again. */
async function expectAllTraded(): Promise<void> {
  const decisions = await results("signal");
  expect(decisions.filter(({ data }) => data.status !== "dispatched")).toEqual([]);
  const outcomes = await results("outcome");
  expect(outcomes.filter(({ data }) => data.status !== "executed")).toEqual([]);
  // Ids never go back: after a step back they stay at the latest time there was.
  expect(decisions.filter(({ at, data }) => Date.parse(data.decided_at) > at + 2_000)).toEqual([]);
  const events = await redis.xrange(keys.stream("system_events"), "-", "+");
  expect(events.filter(([, flat]) => flat.join(" ").includes("outdated again and again"))).toEqual([]);
}

test("a router whose machine's clock is set goes on as if nothing had happened", async () => {
  await start({ redisIsSet: false, routerIsSet: true });
  await router.start();
  for (const step of STEPS) {
    for (let n = 0; n < 2 * BURST; n += 1) {
      // While signals flow.
      if (n === BURST) await clock.set(step);
      await publish({ sent_at: new Date().toISOString() });
    }
    await untilDone();
  }
  await expectAllTraded();
  const decisions = await results("signal");
  expect(decisions.filter(({ at, data }) => Math.abs(Date.parse(data.decided_at) - at) > 2_000)).toEqual([]);
}, 120_000);

const WITH_REDIS = byPace({
  short: [{ what: "Redis' clock is", routerIsSet: false }],
  full: [
    { what: "Redis' clock is", routerIsSet: false },
    { what: "the clocks of both are", routerIsSet: true },
  ],
});

test.each(WITH_REDIS)(
  "signals are traded whenever $what set, with no pause that is reported",
  async ({ routerIsSet }) => {
    await start({ redisIsSet: true, routerIsSet });
    await router.start();
    for (const step of STEPS) {
      for (let n = 0; n < BURST; n += 1) await publish();
      // What waits while the clock goes forward is as old as that.
      await untilDone();
      const before = await redis.xlen(keys.stream("signals_stream"));
      await clock.set(step);
      for (let n = 0; n < BURST; n += 1) await publish();
      await untilDone();
      const now = await readTime(redis);
      const since = (await results("signal")).slice(before);
      expect(since.filter(({ data }) => Date.parse(data.decided_at) > now + 2_000)).toEqual([]);
    }
    await expectAllTraded();
  },
  120_000,
);

test("what a dead router left is reclaimed in time although the clock was set back meanwhile", async () => {
  await start({ redisIsSet: true, routerIsSet: true });
  const first = await router.start();
  await publish();
  await untilDone();
  first.signal("SIGKILL");
  await first.ended();
  const key = keys.stream("signals_stream");
  for (let n = 0; n < BURST; n += 1) await publish();
  // Read and not worked on, as by a router that was killed in this moment.
  await redis.xreadgroup("GROUP", "signal_processor", "dead-1-0a0a0a", "COUNT", BURST, "STREAMS", key, ">");
  await clock.set(-HOUR);
  await router.start();
  await untilDone();
  await expectAllTraded();
}, 60_000);

test.runIf(byPace({ short: false, full: true }))(
  "what a router works on stays its own when Redis' clock is set forward",
  async () => {
    await start({ redisIsSet: true, routerIsSet: true });
    const key = keys.stream("strategy_input_stream");
    const group = "strategy_executor";
    const id = String(await redis.xadd(key, "*", "not", "a task"));
    await redis.xgroup("CREATE", key, group, "0");
    await redis.xreadgroup("GROUP", group, "busy-1-0a0a0a", "COUNT", 1, "STREAMS", key, ">");
    const owner = async () => (await redis.xpending(key, group, id, id, 1)).flat()[1];
    const extend = async () => redis.xclaim(key, group, "busy-1-0a0a0a", 0, id, "JUSTID");
    const extending = setInterval(() => void extend(), 100);
    await router.start();
    clearInterval(extending);
    const passed = async (ms: number): Promise<void> => {
      const end = (await readTime(redis)) + ms;
      await vi.waitFor(async () => expect(await readTime(redis)).toBeGreaterThanOrEqual(end), until);
    };
    await clock.set(HOUR);
    // The router looks for what was left twice in this time, and has looked once before its owner extends it.
    await passed(0.6 * CLAIM_IDLE_MS);
    expect(await owner()).toBe("busy-1-0a0a0a");
    await extend();
    await passed(0.6 * CLAIM_IDLE_MS);
    expect(await owner()).toBe("busy-1-0a0a0a");
  },
  60_000,
);
