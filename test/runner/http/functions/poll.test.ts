import { describe, expect, test, vi } from "vitest";
import { readStatus } from "../../../../shared/io/status/status.ts";
import type { StreamName } from "../../../../shared/keys.ts";
import { signalFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";
import { refuseConnections } from "../refuse-connections.ts";

const http = useHttpApp({ settings: { CLAIM_IDLE_MS: "300", DELIVERIES_MAX: "2" } });
const POLL = "/functions/process-signals/poll";

const publishMany = async (count: number, prefix = "u") =>
  http.publishMany(count, (n) => signalFields({ uid: `${prefix}${n}` }));
const decisions = async () => (await http.fieldsIn("signal_results")).filter(({ kind }) => kind === "signal");

/** Pending entries: id, consumer, idle time, deliveries. */
async function pending(): Promise<[string, string, number, number][]> {
  const { redis, keys } = http.services;
  const rows = await redis.xpending(keys.stream("signals_stream"), "signal_processor", "-", "+", 10_000);
  return rows as [string, string, number, number][];
}

async function consumers(stream: StreamName, group: string): Promise<unknown> {
  return http.services.redis.xinfo("CONSUMERS", http.services.keys.stream(stream), group);
}

describe("polling process-signals", () => {
  test("decides the waiting entries in order, releases none and leaves no consumer behind", async () => {
    await publishMany(700);
    const { status, body } = await http.call("POST", POLL);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      read: 700,
      committed: 700,
      left: 0,
      empty: true,
      took_ms: expect.any(Number),
      streams: [{ stream: "signals_stream", read: 700, committed: 700, left: 0, empty: true }],
    });
    const uids = (await http.fieldsIn("strategy_input_stream")).map(({ log_uid }) => log_uid);
    expect(uids).toEqual(Array.from({ length: 700 }, (_, i) => `u${i}`));
    expect(new Set((await decisions()).map(({ invocation }) => invocation))).toEqual(new Set(["live"]));
    expect(await pending()).toEqual([]);
    expect(await consumers("signals_stream", "signal_processor")).toEqual([]);
  });

  test("processes 5,000 entries over several short calls, each once", async () => {
    await publishMany(5_000);
    let [calls, read] = [0, 0];
    for (let empty = false; !empty; calls += 1) {
      const { body } = await http.call("POST", `${POLL}?budgetMs=20`);
      expect(body.left).toBe(0);
      [empty, read] = [body.empty, read + body.read];
    }
    expect(read).toBe(5_000);
    expect(calls).toBeGreaterThan(1);
    const entryIds = (await decisions()).map(({ entry_id }) => entry_id);
    expect([entryIds.length, new Set(entryIds).size]).toEqual([5_000, 5_000]);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(5_000);
  }, 60_000);

  test("makes progress with very little time, and reads at most countMax", async () => {
    await publishMany(300);
    expect((await http.call("POST", `${POLL}?budgetMs=1`)).body.committed).toBeGreaterThan(0);
    await http.call("POST", POLL);
    await publishMany(300, "more");
    const { body } = await http.call("POST", `${POLL}?countMax=280`);
    expect(body).toMatchObject({ read: 280, committed: 280, empty: false });
  });

  test("decides every entry once, also beside other polls", async () => {
    await publishMany(2_000);
    const answers = await Promise.all([1, 2, 3, 4].map(async () => http.call("POST", POLL)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.reduce((sum, { body }) => sum + body.read, 0)).toBe(2_000);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(2_000);
    expect(await pending()).toEqual([]);
  });

  test("reads nothing while there is no snapshot, also when this process has one cached", async () => {
    await publishMany(3);
    await http.call("POST", POLL);
    await publishMany(3, "later");
    await http.services.redis.del(http.services.keys.referenceCurrent);
    expect(await http.call("POST", POLL)).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringContaining("no reference snapshot") },
    });
    expect(await pending()).toEqual([]);
    await http.services.refresh();
    expect((await http.call("POST", POLL)).body).toMatchObject({ read: 3, committed: 3 });
  });

  test("leaves entries that cannot be committed pending, and counts no attempt", async () => {
    const { redis, keys } = http.services;
    await publishMany(600);
    await redis.set(keys.stream("strategy_input_stream"), "in the way");
    const answer = await http.call("POST", POLL);
    expect(answer).toMatchObject({ status: 503, body: { detail: expect.stringContaining("is a string") } });
    const left = await pending();
    expect(left.length).toBeGreaterThan(0);
    expect(new Set(left.map(([, , , deliveries]) => deliveries))).toEqual(new Set([0]));
    await redis.del(keys.stream("strategy_input_stream"));
    await vi.waitFor(
      async () => {
        await http.call("POST", "/functions/reclaim");
        expect(await pending()).toEqual([]);
      },
      { timeout: 20_000 },
    );
    await http.call("POST", POLL);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(600);
    expect(await http.fieldsIn("dead_letters")).toEqual([]);
  }, 60_000);

  test("does not choose where a lost group goes on, and says how to", async () => {
    const { redis, keys, events } = http.services;
    await publishMany(1);
    await http.call("POST", POLL);
    await redis.xgroup("DESTROY", keys.stream("signals_stream"), "signal_processor");
    await publishMany(1, "lost");
    expect(await http.call("POST", POLL)).toMatchObject({
      status: 409,
      body: {
        code: "group_lost",
        detail: expect.stringContaining("group signal_processor of signals_stream has gone"),
        hint: expect.stringContaining(
          "npm run cli -- groups create signal_processor --stream signals_stream",
        ),
      },
    });
    await events.flush(1_000);
    expect((await http.fieldsIn("system_events")).map(({ level }) => level)).toContain("CRITICAL");
    expect(await decisions()).toHaveLength(1);
  });
});

describe("polling persist-log", () => {
  test("writes both its streams to the log", async () => {
    await publishMany(400);
    await http.call("POST", POLL);
    const { body } = await http.call("POST", "/functions/persist-log/poll");
    expect(body).toMatchObject({ committed: body.read, left: 0, empty: true });
    expect(body.streams.map(({ stream }: { stream: string }) => stream)).toEqual([
      "signal_results",
      "system_events",
    ]);
    expect(await http.sql("SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: 400 }]);
    expect(await http.sql("SELECT count(*)::int AS n FROM system_log")).toEqual([
      { n: body.streams[1].read },
    ]);
  });

  test("reads nothing while Postgres is unavailable, and goes on afterwards", async () => {
    await publishMany(5);
    await http.call("POST", POLL);
    await refuseConnections(http.databaseUrl, true);
    expect(await http.call("POST", "/functions/persist-log/poll")).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringMatching(/^postgres is not available/) },
    });
    const { streams } = await readStatus(http.services.redis, http.services.keys);
    expect(streams.flatMap(({ groups }) => groups.map(({ pending: count }) => count))).toEqual([0, 0]);
    await refuseConnections(http.databaseUrl, false);
    expect((await http.call("POST", "/functions/persist-log/poll")).status).toBe(200);
    expect(await http.sql("SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: 5 }]);
  });
});

test.each([
  "budgetMs=0",
  "budgetMs=-1",
  "budgetMs=55001",
  "budgetMs=soon",
  "budgetMs=",
  "countMax=0",
  "budget=5",
])("a poll with %s is refused", async (query) => {
  expect((await http.call("POST", `${POLL}?${query}`)).status).toBe(422);
});
