import { expect, test } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { readStatus } from "../../../../shared/io/status/status.ts";
import { rowsWithStrategies, strategyRow } from "../../../builders.ts";
import { at, logged, NO_ROWS, ran, routed } from "../../../shared/io/log/logged.ts";
import { useHttpApp } from "../http-fixture.ts";
import { decideWaiting, freshSignal } from "../router-steps.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const params = { url: "https://bot.example.com/hook/token-123", secret: "BROKER" };
const http = useHttpApp({
  rows: rowsWithStrategies([
    strategyRow(10, { name: "Trend follower", handler: "webhook", params }),
    strategyRow(11, { name: "Off", enabled: false }),
  ]),
});

test("strategies have what they are, what they did, and who paused them; addresses show their host only", async () => {
  const { services } = http;
  await http.call("POST", "/pause", { strategy: 10, by: "ann" });
  await http.publish(freshSignal());
  await decideWaiting(services);
  await logStoreOn(services.database, services.keys.shard).write({
    ...NO_ROWS,
    signals: [logged("5-0", { decided_at: at("00:00:02.000"), outcomes: [routed(10)] })],
    outcomes: [ran("5-0", { status: "failed", reason: "timeout" })],
  });
  const { status, body } = await http.call("GET", "/strategies");
  expect([status, body.log, body.strategies.length]).toEqual([200, "available", 2]);
  const [trend, off] = body.strategies;
  expect(trend).toMatchObject({
    id: 10,
    name: "Trend follower",
    state: "paused",
    handler: "webhook",
    params: { url: "bot.example.com/…", secret: "BROKER" },
    paused: { by: "ann", all: false, since: expect.stringMatching(/Z$/) },
    unusable: [],
    failing: false,
    counters: { decided: { ignored: 1 }, ended: {}, attempts: 0, run_ms_mean: null },
    last_dispatch: { at: at("00:00:02.000"), entry_id: "5-0" },
    last_end: { entry_id: "5-0", status: "failed", reason: "timeout" },
  });
  expect(trend.phrases).toContainEqual(
    expect.objectContaining({ direction: "long", state: "enabled", signals: [expect.any(String)] }),
  );
  expect(JSON.stringify(body)).not.toContain("token-123");
  expect(off).toMatchObject({ id: 11, state: "disabled", last_dispatch: null, last_end: null });

  const one = await http.call("GET", "/strategies/Trend%20follower");
  expect(one.body).toMatchObject({ version: body.version, strategy: { id: 10 } });
  expect((await http.call("GET", "/strategies/10")).body.strategy).toEqual(one.body.strategy);
  for (const unknown of ["42", "Trend"])
    expect(await http.call("GET", `/strategies/${unknown}`)).toMatchObject({
      status: 404,
      body: { code: "no_such_strategy" },
    });

  const without = await callWithoutPostgres(http, "GET", "/strategies/10");
  expect(without.body).toMatchObject({
    log: "unavailable",
    strategy: { id: 10, last_dispatch: null, phrases: [{ signals: null }, { signals: null }] },
  });
});

test("the status is all that the command line shows", async () => {
  const { redis, keys } = http.services;
  await http.publish(freshSignal());
  await decideWaiting(http.services);
  const { status, body } = await http.call("GET", "/status");
  const { now: _, ...expected } = await readStatus(redis, keys);
  const { health, now, ...found } = body;
  expect([status, typeof now]).toEqual([200, "number"]);
  expect(health).toEqual((await http.call("GET", "/readyz")).body);
  expect(found.metrics).toEqual(expected.metrics);
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted());
  expect(found.streams.map(({ name }: { name: string }) => name)).toEqual(
    expected.streams.map(({ name }) => name),
  );
  expect(JSON.parse(JSON.stringify(expected.loops))).toEqual(found.loops);
});
