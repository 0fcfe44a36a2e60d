import { expect, test } from "vitest";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import { signalFields, taskFields } from "../../builders.ts";
import { useHttpApp } from "./http-fixture.ts";

/** A shadow over HTTP: what it decides, and what it refuses. */

const SECRET = "a-secret-of-the-webhook";
const http = useHttpApp({ settings: { SHADOW: "true", GROUP_SUFFIX: "_new", WEBHOOK_SECRET: SECRET } });
const bar_time = new Date().toISOString();

test("it decides what comes after its start, hands on nothing, and every key it makes has the suffix", async () => {
  const { redis, keys } = http.services;
  await http.publish(signalFields({ bar_time, uid: "before" }));
  await http.call("POST", "/functions/process-signals/poll");
  for (const uid of ["a", "a", "b"]) await http.publish(signalFields({ bar_time, uid }));
  const { body } = await http.call("POST", "/functions/process-signals/poll");
  expect(body).toMatchObject({ read: 3, committed: 3 });
  await http.call("POST", "/functions/persist-log/poll");
  const rows = await http.sql("SELECT shard, uid, status, reason FROM signal_log ORDER BY entry_id");
  const shard = keys.shard;
  expect(shard.endsWith("_new")).toBe(true);
  expect(rows).toEqual([
    { shard, uid: "a", status: "ignored", reason: "shadow" },
    { shard, uid: "a", status: "duplicate", reason: "duplicate_uid" },
    { shard, uid: "b", status: "ignored", reason: "shadow" },
  ]);
  const events = await http.sql("SELECT message, details FROM system_log WHERE details->>'skipped' = '1'");
  expect(events).toEqual([
    {
      message: expect.stringContaining("group signal_processor_new is new"),
      details: expect.objectContaining({ shard }),
    },
  ]);
  const names = (await redis.keys(`${keys.prefix}*`)).map((key) => key.slice(keys.prefix.length));
  expect(names.filter((name) => !/^[a-z_]+_new(:|$)/.test(name))).toEqual(["signals_stream"]);
  expect(await redis.exists(keys.stream("strategy_input_stream"))).toBe(0);
});

test("it trims nothing of the shared stream", async () => {
  const { redis, keys } = http.services;
  for (let n = 0; n < 300; n += 1) await redis.xadd(keys.stream("signals_stream"), `${n + 1}-0`, "f", "v");
  await http.call("POST", "/functions/process-signals/poll");
  await http.call("POST", "/functions/trim");
  expect(await redis.xlen(keys.stream("signals_stream"))).toBe(300);
});

test("tasks, replays that write, alerts and retries of tasks are refused; dry runs are not", async () => {
  const { redis, keys } = http.services;
  const entries = [{ id: "1-0", fields: taskFields(Date.now()) }];
  const dead = {
    functionName: "execute-strategies",
    stream: "strategy_input_stream",
    deliveries: 1,
    at: Date.now(),
  } as const;
  const letter = deadLetterEffects(
    { id: "1-0", fields: taskFields(1) },
    { id: "1-0", status: "dead", reason: "error", error: "e" },
    dead,
  );
  const fields = Object.entries(letter.append[0]?.fields ?? {}).flat();
  const id = String(await redis.xadd(keys.stream("dead_letters"), "*", ...fields));
  const range = { from: bar_time };
  const refused = [
    await http.call("POST", "/functions/execute-strategies", { entries }),
    await http.call("POST", "/functions/execute-strategies/poll"),
    await http.call("POST", "/strategies/10/run", {
      symbol: "BTCUSDT",
      direction: "long",
      for_real: true,
      reason: "r",
    }),
    await http.call("POST", "/replays", { mode: "force", ...range, by: "ann", reason: "r" }),
    await http.call("POST", "/replays", { mode: "missing", ...range, by: "ann", reason: "r" }),
    await http.call("POST", `/dead-letters/${id}/retry`),
    await http.call("POST", `/webhooks/tradingview/${SECRET}`, {
      message: "SIGNAL_1_LONG",
      symbol: "BTCUSDT",
      time: bar_time,
    }),
  ];
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
    refused.map(() => [409, "shadow_router"]),
  );
  expect(await redis.xlen(keys.stream("dead_letters"))).toBe(1);
  expect((await http.call("GET", "/readyz?for=intake")).status).toBe(503);
  const allowed = [
    await http.call("POST", "/functions/execute-strategies?dryRun=true", { entries }),
    await http.call("POST", "/replays", { mode: "dry-run", ...range }),
    await http.call("POST", "/functions/process-signals", {
      entries: [{ fields: signalFields({ bar_time }) }],
    }),
  ];
  expect(allowed.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(allowed[2]?.body.results[0].decision).toMatchObject({ status: "ignored", reason: "shadow" });
});
