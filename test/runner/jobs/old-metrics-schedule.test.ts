import { afterAll, expect, test, vi } from "vitest";
import { startOldMetrics } from "../../../runner/jobs/old-metrics-schedule.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { keysOf } from "../../../shared/keys.ts";
import { freshDatabase, freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

const UNTIL = { timeout: 10_000, interval: 5 };
const redis = connectRedis();
const keys = keysOf(freshPrefix());
const fresh = await freshDatabase();
const database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

test("metrics:signals is written while signals_v4_log is a view over two logs, in any schema, and only then", async () => {
  await redis.hset(keys.metrics, "signals:dispatched", 2, "signals:ignored", 1, "strategy:1:dispatched", 2);
  await database.query("CREATE SCHEMA ui");
  await database.query("CREATE TABLE ui.signals_v4_log (id int)");
  let looks = 0;
  const counted = {
    ...database,
    query: async <Row>(...given: Parameters<typeof database.query>): Promise<Row[]> => {
      const rows = await database.query<Row>(...given);
      looks += 1;
      return rows;
    },
  };
  const job = startOldMetrics({
    redis,
    keys,
    database: counted,
    events: { publish: () => undefined, flush: async () => undefined },
    everyMs: 1,
  });
  await vi.waitFor(() => expect(looks).toBeGreaterThan(2), UNTIL);
  expect(await redis.exists(keys.oldMetrics)).toBe(0);
  await database.query("ALTER TABLE ui.signals_v4_log RENAME TO signals_v4_log_old");
  await database.query("CREATE VIEW ui.signals_v4_log AS SELECT * FROM ui.signals_v4_log_old");
  const written = {
    signals_processed_total: "3",
    signals_dispatched_total: "2",
    signals_ignored_total: "1",
    strategies_dispatched_total: "2",
    processing_latency_ms: "0",
  };
  await vi.waitFor(async () => expect(await redis.hgetall(keys.oldMetrics)).toEqual(written), UNTIL);
  await redis.hincrby(keys.metrics, "signals:dispatched", 1);
  await vi.waitFor(async () => {
    expect(await redis.hget(keys.oldMetrics, "signals_processed_total")).toBe("4");
  }, UNTIL);
  await database.query("DROP VIEW ui.signals_v4_log");
  const turns = async (from = looks) => vi.waitFor(() => expect(looks).toBeGreaterThan(from + 2), UNTIL);
  await turns();
  await redis.del(keys.oldMetrics);
  await turns();
  expect(await redis.exists(keys.oldMetrics)).toBe(0);
  await job.stop();
});
