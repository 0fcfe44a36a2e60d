import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { keysOf } from "../../shared/keys.ts";
import { referenceRows, strategyRow } from "../builders.ts";
import { byPace } from "../long/pace.ts";
import { freshPrefix } from "../servers/fixtures.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { startRedisCluster, type RedisCluster } from "../servers/redis-cluster.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** A router on a real Redis Cluster: everything that it does with Redis. */

const TOKEN = "a-token-of-the-tests";
const SECRET = "a-secret-of-the-tests";
const BAR = new Date().toISOString();

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => cluster.stop());

const router = useRouters();
let prefix = "";
beforeEach(() => {
  prefix = `{${freshPrefix().slice(0, -1)}}:`;
  // The seeds are replicas, too.
  const seeds = cluster.nodes.slice(-2).map(({ port }) => `127.0.0.1:${port}`);
  Object.assign(router.env, { REDIS_URL: `redis://${seeds.join(",")}`, KEY_PREFIX: prefix });
});

test("start, webhook, decision, task, log, pause, replay, dead letters, tick, every GET route and reads of the CLI", async () => {
  await insertReference(router.databaseUrl, {
    ...referenceRows(),
    strategies: [
      strategyRow(10, { handler: "stream", params: { stream: "bot" } }),
      strategyRow(11, { name: "unreachable", handler: "webhook", params: { url: "http://127.0.0.1:1/" } }),
    ],
    strategy_signals: [
      { strategy_id: 10, signal_id: 1 },
      { strategy_id: 11, signal_id: 1 },
    ],
  });
  const reports = `${prefix}reports`;
  Object.assign(router.env, {
    FUNCTIONS: "",
    HTTP_TOKEN: TOKEN,
    HTTP_PORT: "0",
    WEBHOOK_SECRET: SECRET,
    STRATEGY_PRIVATE_ADDRESSES: "true",
    DELIVERIES_MAX: "1",
    OUTCOME_STREAMS: reports,
    REFERENCE_STREAMS: `${prefix}changes`,
  });
  const started = await router.start();
  const url = /"http":"(http:\/\/[\w.]+:\d+)"/.exec(started.output())?.[1] ?? "";
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const until = async (what: () => Promise<void>) => vi.waitFor(what, { timeout: 30_000, interval: 50 });
  const send = async (uid: string) =>
    call("POST", `/webhooks/tradingview/${SECRET}`, {
      message: "signal_1_long",
      symbol: "BTCUSDT",
      time: BAR,
      uid,
    });

  await until(async () => expect(await call("GET", "/readyz")).toMatchObject({ status: 200 }));
  const sent = await send("one");
  expect(sent.status).toBe(202);
  const entry = String(JSON.parse(sent.text).entry_id);

  const redis = openRedis({
    url: cluster.url,
    key: prefix,
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  const keys = keysOf(prefix);
  try {
    await until(async () => expect(await redis.xlen(keys.stream("strategies:bot"))).toBe(1));
    await until(async () => expect(await redis.xlen(keys.stream("dead_letters"))).toBe(1));
    await until(async () =>
      expect(await router.sql("SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]),
    );
    await redis.publish("reference_events", "changed");
    await redis.xadd(`${prefix}changes`, "*", "a", "b");

    expect(await call("POST", "/pause", { by: "ann" })).toMatchObject({ status: 200 });
    await send("two");
    await until(async () =>
      expect(await router.sql("SELECT reason FROM signal_log WHERE uid = 'two'")).toEqual([
        { reason: "paused" },
      ]),
    );
    expect(await call("POST", "/resume", { by: "ann" })).toMatchObject({ status: 200 });
    for (const path of ["/tick", "/functions/persist-log/poll"])
      expect(await call("POST", path)).toMatchObject({ status: 200 });
    for (const mode of ["missing", "force"]) {
      const replayed = await call("POST", "/replays", { since: "1h", mode, dryRun: mode === "force" });
      expect(replayed).toMatchObject({ status: 200 });
    }
    const letters = JSON.parse((await call("GET", "/dead-letters")).text);
    const letter = String(letters.dead_letters?.[0]?.id ?? letters.deadLetters?.[0]?.id);
    const retried = await call("POST", `/dead-letters/${letter}/retry`, { by: "ann", reason: "to see" });
    expect(retried.status).toBe(200);

    const { paths } = JSON.parse((await call("GET", "/openapi.json")).text);
    const values: Record<string, string> = {
      uid: "one",
      id: entry,
      entry,
      kind: "strategies",
      name: "unreachable",
    };
    const answers = [];
    for (const path of Object.keys(paths).filter((one) => paths[one].get !== undefined)) {
      const asked = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "1");
      answers.push({ path, ...(await call("GET", path === "/tail" ? "/tail?seconds=0.1" : asked)) });
    }
    expect(answers.length).toBeGreaterThan(20);
    expect(
      answers.filter(({ status, text }) => status >= 500 || /CROSSSLOT|MOVED|NoPrimary/.test(text)),
    ).toEqual([]);

    const reads = byPace({
      short: [["status"], ["check"]],
      full: [
        ["status"],
        ["check"],
        ["dead-letters", "list"],
        ["tasks"],
        ["groups", "list"],
        ["routers"],
        ["executions", "list"],
      ],
    });
    for (const args of reads) {
      const { code, output } = await router.run("cli.ts", ...args);
      expect({ args, code, output }).toEqual({
        args,
        code: 0,
        output: expect.not.stringMatching(/CROSSSLOT|MOVED/),
      });
    }
    expect(
      (await router.run("cli.ts", "send", "--symbol", "btcusdt", "--message", "signal_1_long")).output,
    ).toMatch(/DISPATCHED/);
    expect(started.output()).not.toMatch(/CROSSSLOT|MOVED|TRYAGAIN/);
  } finally {
    redis.disconnect();
  }
}, 120_000);

test("what cannot work on a Cluster is refused with exit code 2 and what to do, also by commands", async () => {
  Object.assign(router.env, { OUTCOME_STREAMS: "reports", REFERENCE_STREAMS: "changes" });
  const streams = await router.run("main.ts");
  expect(streams).toEqual({
    code: 2,
    output: expect.stringMatching(/OUTCOME_STREAMS names reports: on a Redis/),
  });
  expect(streams.output).toMatch(/REFERENCE_STREAMS names changes: on a Redis Cluster expected/);
  Object.assign(router.env, { KEY_PREFIX: "signals:", REDIS_URL: `${cluster.url}/1` });
  const both = await router.run("main.ts");
  expect(both).toEqual({
    code: 2,
    output: expect.stringMatching(/KEY_PREFIX has no hash tag: expected one/),
  });
  expect(both.output).toMatch(/database 1 of a Redis Cluster.*leave the number out/);
  expect(await router.run("cli.ts", "status")).toEqual({
    code: 2,
    output: expect.stringMatching(/hash tag/),
  });
}, 120_000);
