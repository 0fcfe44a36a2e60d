import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { healthFrom } from "../../../runner/telemetry/health.ts";
import { readConfig, type Config } from "../../../shared/config/config.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import { statusReaderOn } from "../../../shared/io/status/status.ts";
import { taskEndAdder } from "../../../shared/io/status/task-ends.ts";
import { storeReport } from "../../../shared/io/status/unusable-reports.ts";
import { noteHeartbeat } from "../../../shared/io/streams/consumer-heartbeats.ts";
import { ensureGroup } from "../../../shared/io/streams/groups.ts";
import { inFlightHeartbeatOn } from "../../../shared/io/streams/in-flight-heartbeats.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";
import { taskClaimsOn } from "../../../shared/io/streams/task-claims.ts";
import { GROUPS, keysOf, type Keys, type StreamName } from "../../../shared/keys.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { rowVersion } from "../../../shared/reference/row-version.ts";
import { rowsWithStrategies, strategyRow, taskFields } from "../../builders.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { addEntries, connectRedis } from "../../servers/redis-contents.ts";

/** From what Redis holds to the reasons that are shown, for a router whose loops all run. */

const MINUTE = 60_000;
const rows = (quantity: number) =>
  rowsWithStrategies([
    strategyRow(1, { name: "Trend follower", params: { quantity } }),
    strategyRow(2, { name: "Trend reverser" }),
  ]);

let redis: Redis;
let keys: Keys;
let config: Config;
let readStatus: ReturnType<typeof statusReaderOn>;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  readStatus = statusReaderOn(redis, keys);
  const answer = readConfig({});
  if (!answer.ok) throw new Error(answer.message);
  ({ config } = answer);
  await publish(1);
  for (const { stream, group } of GROUPS) {
    await ensureGroup(redis, keys, stream, group);
    await noteHeartbeat(redis, keys, { stream, group, consumer: "c", at: Date.now() });
  }
});
afterAll(() => redis.disconnect());

async function reasons(changes: Partial<Config> = {}): Promise<readonly string[]> {
  return healthFrom(await readStatus(), { postgresReachable: true }, { ...config, ...changes }).reasons;
}

async function publish(quantity: number, sources: ReferenceRows["webhook_sources"] = []): Promise<void> {
  const { version, content, faults } = buildReference({ ...rows(quantity), webhook_sources: sources });
  const store = referenceStoreOn(redis, keys);
  await store.publish({ ticket: await store.takeTicket(), version, content, faults, now: Date.now() });
}

/** Adds entries with explicit ids, as they would be after so long. */
async function addTasks(agoMs: number, ...strategyIds: number[]): Promise<string[]> {
  const key = keys.stream("strategy_input_stream");
  const ids = strategyIds.map(async (id, i) => {
    const fields = taskFields(Date.now(), { strategy_id: String(id) });
    return redis.xadd(key, `${Date.now() - agoMs}-${i}`, ...Object.entries(fields).flat());
  });
  return (await Promise.all(ids)).map(String);
}

const read = async (stream: StreamName, group: string, count: number) =>
  redis.xreadgroup("GROUP", group, "c", "COUNT", count, "STREAMS", keys.stream(stream), ">");

test("webhook sources that are enabled and have no secret here, where HTTP is served", async () => {
  const source = {
    enabled: true,
    format: "json",
    template: { message: "{{a}}", symbol: "{{b}}", time: "{{c}}" },
    uid: null,
  } as const;
  const names = ["has-one", "has-none", "off"];
  await publish(
    1,
    names.map((name) => ({ ...source, name, enabled: name !== "off" })),
  );
  const changes = { httpToken: "token", webhookSourceSecrets: { "has-one": ["secret-of-it"] } };
  expect(await reasons(changes)).toEqual([expect.stringContaining("set WEBHOOK_SECRET_HAS_NONE")]);
  expect(await reasons()).toEqual([]);
});

describe("waiting", () => {
  test("tasks that wait to be run, with the strategy that most are for; those that run do not wait", async () => {
    const ids = await addTasks(MINUTE, 2, 1, 2, 1, 2);
    await read("strategy_input_stream", "strategy_executor", 3);
    const claims = taskClaimsOn(redis, keys, {
      stream: "strategy_input_stream",
      group: "strategy_executor",
      consumer: "c",
    });
    const notStarted = async (some: readonly string[]) => {
      const [key, group] = [keys.stream("strategy_input_stream"), "strategy_executor"] as const;
      await redis.xclaim(...([key, group, "c", 0, ...some, "RETRYCOUNT", 0, "JUSTID"] as const));
    };
    await redis.hset(keys.groupLease("strategy_executor"), "token", "t");
    await notStarted(ids.slice(0, 3));
    await claims.begin(ids[0] ?? "", "t");
    expect(await reasons()).toEqual([
      "4 tasks wait to be run, the oldest for 60 s; 2 of the first 4 are for Trend follower (1)",
    ]);
    await read("strategy_input_stream", "strategy_executor", 2);
    await notStarted(ids.slice(3));
    for (const id of ids.slice(1)) await claims.begin(id, "t");
    expect(await reasons()).toEqual([]);
  });

  test("signals that wait to be decided, delivered or not", async () => {
    await redis.xadd(keys.stream("signals_stream"), `${Date.now() - 2 * MINUTE}-0`, "n", "0");
    await redis.xadd(keys.stream("signals_stream"), `${Date.now() - MINUTE}-0`, "n", "0");
    expect(await reasons()).toEqual(["2 signals wait to be decided, the oldest for 2 min"]);
    await read("signals_stream", "signal_processor", 2);
    expect(await reasons()).toEqual(["2 signals wait to be decided, the oldest for 2 min"]);
    expect(await reasons({ signalAgeMsMax: 5_000_000 })).toHaveLength(1);
  });

  test("an id far in the past or in the future is not taken for the time an entry has waited", async () => {
    const key = keys.stream("signals_stream");
    await redis.xadd(key, "1-0", "n", "0");
    expect(await reasons()).toEqual([]);
    await redis.xadd(key, "99999999999999-0", "n", "0");
    expect(await reasons()).toEqual([]);
  });

  test("a number that Redis does not know is not taken for zero", async () => {
    const key = keys.stream("signal_results");
    const first = await redis.xadd(key, `${Date.now() - 5 * MINUTE}-0`, "n", "0");
    const ids = [];
    for (let i = 1; i <= 150; i += 1)
      ids.push(await redis.xadd(key, `${Date.now() - 5 * MINUTE}-${i}`, "n", "0"));
    await redis.xgroup("SETID", key, "log_writer", String(first));
    await redis.xdel(key, String(ids[0]));
    expect(await reasons()).toEqual([
      "more than 100 entries wait for log_writer on signal_results, the oldest for 5 min; Redis does not know how many",
    ]);
  });

  test("what an orderly stop has released is idle since then, and not for weeks", async () => {
    await addEntries(redis, keys.stream("signals_stream"), 1);
    await read("signals_stream", "signal_processor", 1);
    const group = streamGroupOn(redis, keys, {
      stream: "signals_stream",
      group: "signal_processor",
      consumer: "c",
    });
    await group.release();
    expect(await reasons()).toEqual([]);
    expect((await group.pending({ idleMs: 0, countMax: 1 }))[0]?.idleMs).toBeLessThan(10_000);
  });
});

describe("an entry that is idle for long", () => {
  test("is reported, unless its consumer has a heartbeat: then it is worked on", async () => {
    const key = keys.stream("signal_results");
    const id = String(await redis.xadd(key, "*", "n", "0"));
    await read("signal_results", "log_writer", 1);
    await redis.xclaim(...([key, "log_writer", "c", 0, id, "IDLE", 5 * MINUTE, "JUSTID"] as const));
    expect(await reasons()).toEqual([
      "no consumer has worked on a pending entry of log_writer on signal_results for 300 s",
    ]);
    const consumer = { stream: "signal_results", group: "log_writer", consumer: "c" } as const;
    await inFlightHeartbeatOn(redis, keys, consumer).beat(10_000);
    expect(await reasons()).toEqual([]);
  });
});

describe("strategies", () => {
  const unusable = [
    { strategyId: 1, name: "Trend follower", handler: "x", reason: "unknown_handler", fault: "no handler" },
  ];
  const report = async (consumer: string, found = unusable) =>
    storeReport(redis, keys, { consumer, version: "v", unusable: found });

  test("what a running executor cannot run is a fault until it can, or is gone", async () => {
    await report("c");
    await report("gone");
    const only = "Trend follower (1) cannot be run: no handler; its tasks fail until that is corrected";
    expect(await reasons()).toEqual([only]);
    expect(await reasons({ functions: ["process-signals"] })).toEqual([only]);
    await report("c", []);
    expect(await reasons()).toEqual([]);
  });

  test("one that fails again and again is a fault until its row is changed", async () => {
    const strategy = buildReference(rows(1)).content.strategies.get(1);
    if (strategy === undefined) throw new Error("no such strategy");
    const end = { row: rowVersion(strategy), at: Date.now(), failed: true };
    await taskEndAdder(
      redis,
      keys,
    )(
      new Map([
        [1, [end, end, end]],
        [9, [end, end, end]],
      ]),
    );
    expect(await reasons()).toEqual([
      expect.stringMatching(/^Trend follower \(1\) is failing: 3 of its last 3/),
    ]);
    await publish(2);
    expect(await reasons()).toEqual([]);
  });
});

test("a router whose loops all run is ready", async () => {
  expect(await reasons()).toEqual([]);
});

test("everything paused, and dead letters, are faults until resumed and discarded", async () => {
  await pause(redis, keys, 1, { by: "ann", at: Date.now() });
  await pause(redis, keys, undefined, { by: "ann", at: Date.now() });
  const [letter = ""] = await addEntries(redis, keys.stream("dead_letters"), 1);
  expect(await reasons()).toEqual([
    expect.stringMatching(/^everything is paused since .* UTC by ann/),
    expect.stringMatching(/^1 dead letter waits, for 0 s/),
  ]);
  await resume(redis, keys, undefined);
  await redis.xdel(keys.stream("dead_letters"), letter);
  expect(await reasons()).toEqual([]);
});
