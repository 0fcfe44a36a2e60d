import { describe, expect, test } from "vitest";
import { healthFrom } from "../../../../runner/telemetry/health.ts";
import { readStatus } from "../../../../shared/io/status/status.ts";
import { readHeartbeats } from "../../../../shared/io/streams/consumer-heartbeats.ts";
import { useTicks } from "./tick-fixture.ts";

const { http, tick } = useTicks();

describe("the health of a router that runs only by ticks", () => {
  const healthAfter = async (ms: number) => {
    const { redis, keys, config } = http.services;
    const status = await readStatus(redis, keys);
    const confirmed = { ...status.reference, confirmedAt: status.now + ms };
    return healthFrom(
      { ...status, now: status.now + ms, reference: confirmed },
      { postgresReachable: true },
      config,
    );
  };

  /** Makes the last tick look this much older. */
  async function backdate(ms: number): Promise<void> {
    const { redis, keys } = http.services;
    for (const { stream, group, consumer, at } of await readHeartbeats(redis, keys)) {
      await redis.hset(keys.loops, `${stream} ${group} ${consumer}`, at - ms);
    }
  }

  test("is ready between two ticks a minute apart, and not when three have been missed", async () => {
    await tick();
    await backdate(60_000);
    await tick();
    expect(await healthAfter(50_000)).toEqual({ status: "ready", reasons: [] });
    const { status, reasons } = await healthAfter(200_000);
    expect(status).toBe("not_ready");
    expect(reasons[0]).toMatch(/^no consumer has read signal_processor on signals_stream for 2\d\d s/);
  });
});
