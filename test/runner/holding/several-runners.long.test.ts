import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { redisUrl } from "../../servers/fixtures.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { startRelay, type Relay } from "../../servers/relay.ts";
import type { RouterProcess } from "../../servers/router-process.ts";
import { traced, useExecutingRouters } from "../bindings/executing-fixture.ts";
import { hangCommands, holderPid, overtaken } from "./order.ts";

/**
 * Tasks of one strategy and symbol are begun in stream order by any number of runners, whatever becomes of the one that holds the
 * groups. Without leases two runners begin 18 % of neighbouring tasks in the wrong order with no fault at all.
 */

const { routers, start } = useExecutingRouters();

const LEASE_MS = 1_000;
const STRATEGY = 101;
const { count, perSecond } = byPace({
  short: { count: 600, perSecond: 300 },
  full: { count: 4_000, perSecond: 400 },
});
const FAULTS = ["none", "SIGKILL", "SIGTERM", "SIGSTOP", "its command connection hangs"] as const;
type Fault = (typeof FAULTS)[number];
const CASES = byPace<readonly (readonly [runners: number, fault: Fault])[]>({
  short: [[2, "SIGKILL"]],
  full: [2, 4].flatMap((runners) => FAULTS.map((fault) => [runners, fault] as const)),
});
/** A frozen holder wakes up after it has lost its groups, and its entries. */
const FROZEN_MS = 5_000;

const relays: Relay[] = [];
afterEach(async () => {
  await Promise.all(relays.splice(0).map(async (relay) => relay.stop()));
});

interface Runner {
  readonly router: RouterProcess;
  readonly relay: Relay;
}

async function startRunner(): Promise<Runner> {
  const relay = await startRelay(Number(new URL(redisUrl()).port));
  relays.push(relay);
  const router = await start({
    REDIS_URL: `redis://127.0.0.1:${relay.port}`,
    LEASE_MS: String(LEASE_MS),
    CLAIM_IDLE_MS: "1000",
    BATCH_COUNT_MAX: "16",
  });
  return { router, relay };
}

/** The one that holds the tasks' group; without leases the first one. */
async function holderOf(runners: readonly Runner[]): Promise<Runner | undefined> {
  const pid = await holderPid(routers.redis, `${routers.keys.prefix}lease:strategy_executor`);
  return runners.find(({ router }) => router.pid === pid) ?? runners[0];
}

async function strike(fault: Fault, { router, relay }: Runner): Promise<void> {
  switch (fault) {
    case "none":
      return;
    case "SIGKILL":
    case "SIGTERM":
      router.signal(fault);
      return;
    case "SIGSTOP":
      router.signal("SIGSTOP");
      await pause(FROZEN_MS);
      router.signal("SIGCONT");
      return;
    case "its command connection hangs":
      await vi.waitFor(async () => expect(await hangCommands(routers.redis, relay, router.pid)).toBe(true));
      return;
  }
}

async function publishAll(): Promise<string[]> {
  const ids: string[] = [];
  for (const startedAt = performance.now(); ids.length < count;) {
    while (ids.length < count && ids.length < ((performance.now() - startedAt) / 1_000) * perSecond)
      ids.push(await routers.publish(signalFields({ uid: String(ids.length) })));
    await pause(10);
  }
  return ids;
}

test.each(CASES)(
  "%i runners, %s of the holder: no task overtakes another",
  async (runnerCount, fault) => {
    await insertReference(routers.databaseUrl, rowsWithStrategies([traced(STRATEGY, { ms: 2 })]));
    const runners = await Promise.all(Array.from({ length: runnerCount }, startRunner));
    const runs = `${routers.keys.prefix}runs`;
    const struck = (async () => {
      await vi.waitFor(async () => expect(await routers.redis.llen(runs)).toBeGreaterThan(count / 4), 60_000);
      const holder = await holderOf(runners);
      if (holder !== undefined) await strike(fault, holder);
    })();
    const [ids] = await Promise.all([publishAll(), struck]);
    const first = async (): Promise<string[]> =>
      (await routers.redis.lrange(runs, 0, -1)).map((run) => run.split(" ")[1] ?? "");
    const done = async () => expect(new Set(await first()).size).toBe(count);
    await vi.waitFor(done, { timeout: 90_000, interval: 200 });
    const begun = await first();
    expect(overtaken(ids, begun)).toBe(0);
    // With no fault nothing is run twice.
    if (fault === "none" || fault === "SIGTERM") expect(begun).toHaveLength(count);
  },
  180_000,
);
