import { afterEach, expect, test } from "vitest";
import { resultsFeedOn } from "../../../../runner/telemetry/results-feed.ts";
import { rowsWithStrategies, strategyRow } from "../../../builders.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { ran } from "../../../shared/io/log/logged.ts";
import { appOn, TOKEN, useHttpApp } from "../http-fixture.ts";
import { decideWaiting, freshSignal } from "../router-steps.ts";

const http = useHttpApp({
  rows: rowsWithStrategies([strategyRow(10, { name: "Trend" }), strategyRow(11, { enabled: false })]),
});

const open: ReadableStreamDefaultReader<Uint8Array>[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (reader) => reader.cancel()));
});

interface Tail {
  /** The next line; undefined at the end. */
  next(): Promise<Record<string, unknown> | undefined>;
  cancel(): Promise<void>;
}

async function tail(query = "", app = http.app): Promise<Tail> {
  const response = await app.request(`/tail${query}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("an answer has a body");
  open.push(reader);
  const waiting: string[] = [];
  const next = async (): Promise<Record<string, unknown> | undefined> => {
    const line = waiting.shift();
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
    const { value, done } = await reader.read();
    if (done) return undefined;
    waiting.push(...new TextDecoder().decode(value).trimEnd().split("\n"));
    return next();
  };
  expect(await next()).toMatchObject({ kind: "began" });
  return { next, cancel: async () => reader.cancel() };
}

async function publishOutcome(entryId: string): Promise<void> {
  const { redis, keys } = http.services;
  const data = JSON.stringify(ran(entryId, { status: "failed", reason: "timeout" }).record);
  const fields = { kind: "outcome", entry_id: entryId, invocation: "live", data };
  await redis.xadd(keys.stream("signal_results"), "*", ...Object.entries(fields).flat());
}

test("clients see decisions and outcomes as they are made, each what it asked for, with one connection for all", async () => {
  const { services } = http;
  const [all, ofTrend, failures, others] = await Promise.all([
    tail(),
    tail("?strategy=Trend&symbol=btcusdt"),
    tail("?failed=true"),
    tail("?symbol=ETHUSDT&seconds=600"),
  ]);
  const entryId = await http.publish(freshSignal());
  await decideWaiting(services);
  await publishOutcome(entryId);
  const decision = { kind: "decision", entry_id: entryId, symbol: "BTCUSDT", status: "dispatched" };
  const outcome = {
    kind: "outcome",
    entry_id: entryId,
    strategy: "Trend",
    status: "failed",
    reason: "timeout",
    symbol: "BTCUSDT",
  };
  expect(await all.next()).toMatchObject({
    ...decision,
    strategies: [{ strategy_id: 10 }, { strategy_id: 11 }],
  });
  expect(await all.next()).toMatchObject(outcome);
  expect(await ofTrend.next()).toMatchObject({ ...decision, strategies: [{ strategy_id: 10 }] });
  expect(await ofTrend.next()).toMatchObject(outcome);
  expect(await failures.next()).toMatchObject(outcome);
  const name = `${services.consumer}:feed`;
  const named = ((await services.redis.client("LIST")) as string).match(
    new RegExp(`name=${name} .*cmd=xread`, "g"),
  );
  expect(named?.length ?? 0).toBeGreaterThanOrEqual(1);
  await others.cancel();
});

test("an outcome of a signal from before is found with its symbol in the stream of signals", async () => {
  const entryId = await http.publish(freshSignal());
  const ofSymbol = await tail("?symbol=BTCUSDT");
  await publishOutcome(entryId);
  expect(await ofSymbol.next()).toMatchObject({ entry_id: entryId, symbol: "BTCUSDT" });
});

test("records that were read while names could not be are shown as soon as they can be; meanwhile no tail is begun", async () => {
  const redis = connectRedis();
  const feed = resultsFeedOn({ ...http.services, redis });
  const viewer = await feed.open();
  if (typeof viewer === "string") throw new Error(viewer);
  redis.disconnect();
  const entryId = await http.publish(freshSignal());
  await publishOutcome(entryId);
  await expect.poll(() => feed.isReading()).toBe(false);
  expect(await feed.open()).toBe("unavailable");
  await redis.connect();
  expect((await viewer.next(60_000))?.items).toMatchObject([{ kind: "outcome", entry_id: entryId }]);
  expect(feed.isReading()).toBe(true);
  viewer.close();
  redis.disconnect();
});

test("the stop of the router ends every tail, and no more are begun", async () => {
  const stopping = new AbortController();
  const app = appOn({ ...http.services, stopping: stopping.signal });
  const one = await tail("", app);
  const end = one.next();
  stopping.abort();
  expect(await end).toBeUndefined();
  const after = await app.request("/tail", { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(after.status).toBe(503);
});

test("HEAD, whose body is never read, opens no tail", async () => {
  for (let n = 0; n < 60; n += 1) expect((await http.call("HEAD", "/tail")).status).toBe(200);
  await tail();
});

test("a tail with an unknown strategy, or an unknown filter, is refused", async () => {
  for (const query of ["?strategy=Trent", "?failed=yes", "?seconds=0", "?symbl=BTCUSDT"])
    expect((await http.call("GET", `/tail${query}`)).status).toBe(422);
});
