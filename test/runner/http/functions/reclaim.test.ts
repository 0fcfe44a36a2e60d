import { expect, test, vi } from "vitest";
import { signalFields } from "../../../builders.ts";
import { everythingIn } from "../everything-in.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { CLAIM_IDLE_MS: "300", DELIVERIES_MAX: "3" } });
const GROUP = "signal_processor";

/** Leaves three entries pending for a consumer that has stopped, the last one delivered three times; returns their ids. */
async function leaveThreePending(): Promise<string[]> {
  const { redis, keys } = http.services;
  const key = keys.stream("signals_stream");
  const ids: string[] = [];
  await http.call("POST", "/tick");
  for (const uid of ["a", "b", "c"]) ids.push(await http.publish(signalFields({ uid })));
  await redis.xreadgroup("GROUP", GROUP, "stopped", "STREAMS", key, ">");
  await redis.call("XCLAIM", key, GROUP, "stopped", "0", ids[2] ?? "", "RETRYCOUNT", "3", "JUSTID");
  await vi.waitFor(async () =>
    expect(await redis.xpending(key, GROUP, "IDLE", 300, "-", "+", 9)).toHaveLength(3),
  );
  return ids;
}

test("a dry run of reclaim answers what would be reclaimed and given up on, and changes nothing", async () => {
  const ids = await leaveThreePending();
  const before = await everythingIn(http);
  const { status, body } = await http.call("POST", "/functions/reclaim?dryRun=true");
  expect(status).toBe(200);
  expect(body.streams[0]).toEqual({
    stream: "signals_stream",
    take: ids.slice(0, 2),
    dead: ids.slice(2),
    more: false,
  });
  expect(body.streams.slice(1)).toMatchObject([
    { stream: "strategy_input_stream", take: [], dead: [] },
    { stream: "signal_results", take: [], dead: [] },
    { stream: "system_events", take: [], dead: [] },
  ]);
  expect(await everythingIn(http)).toEqual(before);
});

test("reclaim processes the entries of a stopped consumer, reports how many, and leaves no consumer of its own", async () => {
  const ids = await leaveThreePending();
  const { redis, keys } = http.services;
  const { body } = await http.call("POST", "/functions/reclaim");
  expect(body.streams[0]).toEqual({ stream: "signals_stream", taken: 3, committed: 3, finished: true });
  expect(await http.fieldsIn("strategy_input_stream")).toMatchObject([{ log_uid: "a" }, { log_uid: "b" }]);
  expect(await http.fieldsIn("dead_letters")).toMatchObject([{ entry_id: ids[2] }]);
  const consumers = (await redis.xinfo("CONSUMERS", keys.stream("signals_stream"), GROUP)) as unknown[][];
  expect(consumers.map(([, name]) => name)).toEqual(["stopped"]);
});

test("reclaim is 503 when it could process nothing", async () => {
  await leaveThreePending();
  const { redis, keys } = http.services;
  await redis.del(keys.referenceCurrent);
  await http.services.database.close();
  expect(await http.call("POST", "/functions/reclaim")).toMatchObject({
    status: 503,
    body: { code: "unavailable", detail: expect.stringContaining("no reference snapshot") },
  });
});
