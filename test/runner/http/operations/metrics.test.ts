import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { countedMetrics } from "../../../../runner/telemetry/counter-metrics.ts";
import { metricsText } from "../../../../runner/telemetry/metrics-text.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { ensureGroup } from "../../../../shared/io/streams/groups.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { addEntries } from "../../../servers/redis-contents.ts";
import { startRelay, type Relay } from "../../../servers/relay.ts";
import { appOn, callApp, useHttpApp } from "../http-fixture.ts";
import { parsePrometheus, type PrintedFamily } from "../prometheus-text.ts";

const http = useHttpApp();

/** The series of the router's own metrics, all families together; `signal_router_` is left out. */
function seriesIn(families: ReadonlyMap<string, PrintedFamily>): Record<string, number> {
  const own = [...families].flatMap(([, { series }]) => [...series]);
  return Object.fromEntries(own.map(([key, value]) => [key.replace(/^signal_router_/, ""), value]));
}

async function scrape() {
  const { status, headers, body } = await http.call("GET", "/metrics");
  const families = parsePrometheus(body);
  return { status, headers, families, series: seriesIn(families) };
}

describe("what is counted", () => {
  test("counters and the processing times are those of the metrics hash", async () => {
    const { redis, keys } = http.services;
    await redis.hset(keys.metrics, {
      "signals:dispatched": 12,
      "signals:rejected": 2,
      "reasons:stale": 5,
      "strategy:7:ignored": 3,
      "execution:7:executed": 4,
      "attempts:7": 6,
      "run_ms:7:le:5": 3,
      "run_ms:7:le:inf": 1,
      "run_ms:7:sum": 61_000,
      "dead_letters:persist-log": 1,
      "alerts_refused:invalid_signal": 8,
      "notifications_dropped:failed": 9,
      "processing_ms:process-signals:le:1": 3,
      "processing_ms:process-signals:le:250": 4,
      "processing_ms:process-signals:le:inf": 2,
      "processing_ms:process-signals:sum": 190_500,
    });
    const { status, headers, families, series } = await scrape();
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(series).toMatchObject({
      'signals_total{status="dispatched"}': 12,
      'signals_total{status="rejected"}': 2,
      'reasons_total{reason="stale"}': 5,
      'strategy_outcomes_total{strategy_id="7",status="ignored"}': 3,
      'strategy_executions_total{strategy_id="7",status="executed"}': 4,
      'strategy_attempts_total{strategy_id="7"}': 6,
      'strategy_run_seconds_bucket{strategy_id="7",le="0.005"}': 3,
      'strategy_run_seconds_count{strategy_id="7"}': 4,
      'strategy_run_seconds_sum{strategy_id="7"}': 61,
      'dead_letters_total{function="persist-log"}': 1,
      'alerts_refused_total{code="invalid_signal"}': 8,
      'notifications_dropped_total{cause="failed"}': 9,
      'processing_seconds_bucket{function="process-signals",le="0.001"}': 3,
      'processing_seconds_bucket{function="process-signals",le="0.1"}': 3,
      'processing_seconds_bucket{function="process-signals",le="0.25"}': 7,
      'processing_seconds_bucket{function="process-signals",le="60"}': 7,
      'processing_seconds_bucket{function="process-signals",le="+Inf"}': 9,
      'processing_seconds_count{function="process-signals"}': 9,
      'processing_seconds_sum{function="process-signals"}': 190.5,
    });
    const types = ["signals_total", "processing_seconds"].map(
      (name) => families.get(`signal_router_${name}`)?.type,
    );
    expect(types).toEqual(["counter", "histogram"]);
  });

  test("unknown fields make no series, so that the number of series stays bounded", async () => {
    const { redis, keys } = http.services;
    // Without Node's own, some of which appear only after its first garbage collection.
    const isOurs = (key: string): boolean => !key.startsWith("nodejs_") && /_total|_seconds/.test(key);
    const before = Object.keys((await scrape()).series).filter(isOurs);
    for (const field of [
      "signals:odd",
      "reasons:odd",
      "strategy:x:ignored",
      "strategy:7:odd",
      "signals:ignored2",
      "odd",
    ]) {
      await redis.hset(keys.metrics, field, 1);
    }
    await redis.hset(
      keys.metrics,
      "dead_letters:odd",
      1,
      "processing_ms:odd:le:5",
      1,
      "signals:ignored",
      "x",
    );
    await redis.hset(keys.metrics, "processing_ms:process-signals:le:odd", 1, "signals:duplicate", -1);
    const after = Object.keys((await scrape()).series).filter(isOurs);
    expect(after).toEqual(before);
  });

  test("a strict reader accepts the text, whatever the hash contains", async () => {
    const fields = fc.oneof(
      fc.constantFrom("signals:ignored", "reasons:stale", "strategy:1:ignored", "strategy:01:ignored"),
      fc.stringMatching(
        /^processing_ms:(process-signals|persist-log):(sum|le:(1|2|3|250|99999|inf|-1|1e3|0x1))$/,
      ),
      fc.string({ unit: "binary" }),
    );
    const values = fc.oneof(fc.nat(), fc.integer(), fc.double());
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fields, values), async (metrics) => {
        const families = parsePrometheus(await metricsText(countedMetrics({ metrics })));
        expect(families.size).toBeGreaterThan(10);
      }),
    );
  });
});

describe("the present state", () => {
  test("has streams, groups, snapshot, pauses and dead letters", async () => {
    const { redis, keys } = http.services;
    const key = keys.stream("signals_stream");
    const oldest = `${Date.now() - 90_000}-0`;
    await redis.xadd(key, oldest, "n", "0");
    await addEntries(redis, key, 4);
    await ensureGroup(redis, keys, "signals_stream", "signal_processor");
    await redis.xgroup("CREATE", key, "foreign_group", "0");
    await redis.xreadgroup("GROUP", "signal_processor", "a", "COUNT", 2, "STREAMS", key, ">");
    await addEntries(redis, keys.stream("dead_letters"), 3);
    await http.call("POST", "/pause", { strategy: 10 });
    await http.call("POST", "/pause", {});

    const { series } = await scrape();
    const group = '{stream="signals_stream",group="signal_processor"}';
    expect(series).toMatchObject({
      'stream_length{stream="signals_stream"}': 5,
      [`group_pending${group}`]: 2,
      [`group_lag${group}`]: 3,
      [`group_oldest_pending_seconds${group}`]: expect.closeTo(90, -2),
      dead_letters: 3,
      'paused{scope="all"}': 1,
      'paused{scope="10"}': 1,
      redis_up: 1,
      postgres_up: 1,
      'health{status="not_ready"}': 1,
      'health{status="ready"}': 0,
      snapshot_age_seconds: expect.any(Number),
    });
    expect(series[`group_oldest_pending_seconds${group}`]).toBeGreaterThanOrEqual(90);
    expect(Object.keys(series).filter((name) => name.startsWith("snapshot_info"))).toHaveLength(1);
    expect(JSON.stringify(series)).not.toContain("foreign_group");
  });

  test("an unknown value is absent, not 0", async () => {
    const { redis, keys } = http.services;
    await redis.del(keys.referenceCurrent, keys.referenceConfirmedAt);
    const { series } = await scrape();
    expect(Object.keys(series).filter((name) => /^(snapshot|group)_/.test(name))).toEqual([]);
    expect(series).not.toHaveProperty("signals_total");
  });

  test("several scrapes at once agree with one alone", async () => {
    const { redis, keys } = http.services;
    await redis.hset(keys.metrics, "signals:dispatched", 12, "processing_ms:persist-log:le:5", 7);
    const counted = async () => {
      const { series } = await scrape();
      return Object.entries(series).filter(([name]) => /^(signals_total|processing|stream)/.test(name));
    };
    const alone = await counted();
    expect(await Promise.all([counted(), counted(), counted()])).toEqual([alone, alone, alone]);
    expect(alone.length).toBeGreaterThan(15);
  });

  test("the metrics of the process have the same prefix", async () => {
    const { families } = await scrape();
    expect([...families.keys()].filter((name) => !name.startsWith("signal_router_"))).toEqual([]);
    expect(families.get("signal_router_process_resident_memory_bytes")?.type).toBe("gauge");
  });
});

describe("while Redis does not answer", () => {
  let relay: Relay | undefined;
  let end: (() => void) | undefined;
  afterEach(async () => {
    end?.();
    await relay?.stop();
  });

  test("a scrape reports it, with what is known without Redis", async () => {
    relay = await startRelay(Number(new URL(redisUrl()).port));
    const url = `redis://127.0.0.1:${relay.port}`;
    const redis = openRedis({
      key: "test",
      url,
      role: "commands",
      name: "relayed",
      onError: () => undefined,
    });
    end = () => redis.disconnect();
    const app = appOn({ ...http.services, redis });
    const scrapeRelayed = async () => {
      const { status, body } = await callApp(app, "GET", "/metrics");
      return { status, series: seriesIn(parsePrometheus(body)) };
    };
    expect(await scrapeRelayed()).toMatchObject({ status: 200, series: { redis_up: 1 } });
    relay.freeze();
    const { status, series } = await scrapeRelayed();
    expect(status).toBe(200);
    expect(series).toMatchObject({ redis_up: 0, postgres_up: 1, 'health{status="not_ready"}': 1 });
    expect(Object.keys(series).filter((name) => name.startsWith("stream_length"))).toEqual([]);
  });
});
