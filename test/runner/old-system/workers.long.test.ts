import { Client } from "pg";
import { expect, test, vi } from "vitest";
import { byPace } from "../../long/pace.ts";
import { expectDecided, sendSignals } from "../../old-systems/decided-signals.ts";
import { healthOf, useOldSystem, WITH_HTTP } from "../../old-systems/old-system-stage.ts";
import { V4_SIGNALS } from "../../old-systems/producer-signals.ts";
import { hasPython, startWorker } from "../../old-systems/strategy-worker.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";

/** A worker of v4 that runs the router's tasks, beside a router that hands them on and records what it says. */

const stage = useOldSystem("v4");
const { routers } = stage;
const UNTIL = { timeout: 60_000, interval: 50 };
const WITHOUT_EXECUTION = "process-signals,persist-log,collect-outcomes,refresh-reference,reclaim,trim";

/** As the guide recommends, and as it is when FUNCTIONS is left as it was. */
const SETTINGS = byPace({ short: [WITHOUT_EXECUTION], full: [WITHOUT_EXECUTION, ""] });

test.for(SETTINGS)(
  "with FUNCTIONS=%s: a position for every task and its reverse, each report in the log, no dead letter",
  { timeout: 120_000 },
  async (functions, { skip }) => {
    skip(!hasPython, "python3 is not on this machine");
    const { redis, keys, env } = routers;
    const reports = `reports-to-${keys.prefix}`;
    Object.assign(env, WITH_HTTP, await stage.ownSchema("router"), {
      FUNCTIONS: functions,
      OUTCOME_STREAMS: reports,
    });
    await stage.migrate("--reference", "v4", "--yes");
    const router = await routers.start();
    await vi.waitFor(
      async () => expect(await redis.xinfo("GROUPS", reports).catch(() => [])).toHaveLength(1),
      UNTIL,
    );
    const worker = await startWorker(routers, reports);
    const locking = new Client({ connectionString: routers.databaseUrl });
    await locking.connect();
    try {
      // What the worker says is there before the decision is in the log.
      await locking.query("BEGIN; LOCK TABLE router.signal_log IN EXCLUSIVE MODE");
      const sent = await sendSignals(stage, { keys, schema: "router", signals: V4_SIGNALS });
      const count = V4_SIGNALS.reduce(
        (sum, { decision }) => sum + (/^dispatched (.*)$/.exec(decision)?.[1]?.split(" ").length ?? 0),
        0,
      );
      await vi.waitFor(() => {
        expect(worker.output()).not.toContain("Traceback");
        expect(worker.positions()).toHaveLength(2 * count);
      }, UNTIL);
      await vi.waitFor(async () => {
        const records = await fieldsIn(redis, keys.stream("signal_results"));
        const collected = records.filter(({ data = "" }) => data.includes(reports));
        expect(collected).toHaveLength(4 * count);
      }, UNTIL);
      await locking.query("COMMIT");
      await expectDecided(stage, sent);

      const [first] = worker.positions();
      const task = ["log_uid", first?.["log_uid"] ?? "", "strategy_id", first?.["strategy_id"] ?? ""];
      const twice = [...task, "status", "closed", "note", "again"];
      await redis.xadd(reports, "*", ...twice);
      await redis.xadd(reports, "*", ...twice);
      await redis.xadd(reports, "*", "log_uid", "of no task", "strategy_id", "1", "status", "opened");
      const logged = async () => {
        const rows = await routers.sql(
          `SELECT stage, e.status, count(*)::int AS n, count(DISTINCT (l.uid, strategy_id))::int AS tasks
           FROM router.signal_log_entries e JOIN router.signal_log l USING (shard, entry_id, invocation)
           WHERE stage <> 'routing' GROUP BY 1, 2 ORDER BY 1, 2`,
        );
        return rows.map(
          (row) =>
            `${row["stage"] as string} ${row["status"] as string} ${row["n"] as number} of ${row["tasks"] as number}`,
        );
      };
      const all = `${count} of ${count}`;
      await vi.waitFor(
        async () =>
          expect(await logged()).toEqual([
            ...(functions === "" ? [`execution delegated ${all}`] : []),
            `report closed ${count + 2} of ${count}`,
            `report opened ${2 * count} of ${count}`,
            `report protect ${all}`,
            ...(functions === "" ? [`report reverse_signal ${all}`] : []),
          ]),
        UNTIL,
      );

      // Of a signal until the worker has it, as its clock without zone says.
      for (const { latency } of worker.positions()) {
        expect(latency).toBeGreaterThanOrEqual(0);
        expect(latency).toBeLessThan(300);
      }
      expect(worker.positions().filter(({ source }) => source === "reverse_signal")).toHaveLength(count);
      expect(await redis.xlen(keys.stream("dead_letters"))).toBe(0);
      expect((await healthOf(router)).split("\n").filter((line) => !line.includes("table tickers"))).toEqual([
        "degraded",
      ]);
    } finally {
      await locking.end();
      await worker.stop();
      await redis.del(reports);
    }
  },
);
