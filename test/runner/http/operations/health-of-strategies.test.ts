import { afterEach, expect, test, vi } from "vitest";
import { startRouter } from "../../../../runner/router.ts";
import type { Running } from "../../../../shared/running.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";
import { parsePrometheus } from "../prometheus-text.ts";

/** What a person sees who asks a running router over HTTP, from the fault to its end. */

const broken = (stream: string) => strategyRow(10, { name: "Trend", handler: "stream", params: { stream } });
const http = useHttpApp({
  rows: rowsWithStrategies([broken("taken")]),
  settings: { BLOCK_MS: "50", CLAIM_IDLE_MS: "1000" },
});
const PATIENT = { timeout: 9_000, interval: 50 };

let router: Running | undefined;
afterEach(async () => {
  await router?.stop({ reason: "test over" });
});

async function started(): Promise<void> {
  router = await startRouter(http.services);
  await untilHealth("ready", []);
}

async function untilHealth(status: string, reasons: readonly unknown[]): Promise<void> {
  await vi.waitFor(async () => {
    const { body } = await http.call("GET", "/readyz");
    expect(body).toEqual({ status, reasons });
  }, PATIENT);
}

async function series(): Promise<readonly string[]> {
  const { body } = await http.call("GET", "/metrics");
  const all = [...parsePrometheus(body)].flatMap(([, family]) => [...family.series]);
  return all
    .filter(([name]) => /_(strategy_(info|unusable|failing)|paused|build_info|dead_letters)\b/.test(name))
    .map(([name]) => name.replace("signal_router_", ""));
}

const send = async (n: number) =>
  http.publish(signalFields({ bar_time: new Date().toISOString(), uid: `u${n}` }));

test("a pause of everything, and a strategy whose handler is unknown, are named until they are over", async () => {
  await started();
  await http.call("POST", "/pause", { by: "ann" });
  await http.call("POST", "/pause", { strategy: 10, by: "ann" });
  await http.sql("UPDATE strategies SET handler = 'strem'");
  await http.call("POST", "/reference/refresh");
  await untilHealth("degraded", [
    expect.stringMatching(/^everything is paused since .* UTC by ann: no signal/),
    expect.stringMatching(
      /^Trend \(10\) cannot be run: there is no handler "strem"; the handlers are log, none/,
    ),
  ]);
  expect(await http.call("GET", "/readyz")).toMatchObject({ status: 200 });
  expect((await series()).toSorted()).toEqual([
    expect.stringMatching(/^build_info\{version="[\d.]+",node="v\d+/),
    "dead_letters",
    'paused{scope="10"}',
    'paused{scope="all"}',
    'strategy_info{strategy_id="10",name="Trend"}',
    'strategy_unusable{strategy_id="10"}',
  ]);
  await http.call("POST", "/resume", { by: "ann" });
  await http.sql("UPDATE strategies SET handler = 'log', params = '{}'");
  await http.call("POST", "/reference/refresh");
  await untilHealth("ready", []);
}, 30_000);

test("a strategy that fails every time is named, until its row is changed or a task succeeds", async () => {
  const { redis, keys } = http.services;
  await redis.set(keys.stream("strategies:taken"), "not a stream");
  await started();
  const failing = expect.stringMatching(
    /^Trend \(10\) is failing: 3 of its last 3 tasks ended failed, the last one \d+ s ago/,
  );
  for (const n of [1, 2, 3]) await send(n);
  await untilHealth("degraded", [failing]);
  expect(await series()).toEqual(expect.arrayContaining(['strategy_failing{strategy_id="10"}']));
  await http.setReference(rowsWithStrategies([broken("free")]));
  await untilHealth("ready", []);
  await http.setReference(rowsWithStrategies([broken("taken")]));
  await untilHealth("degraded", [failing]);
  await redis.del(keys.stream("strategies:taken"));
  await send(4);
  await untilHealth("ready", []);
}, 30_000);
