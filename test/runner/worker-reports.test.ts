import { afterEach, expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, strategyRow } from "../builders.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** Workers of another system that run the tasks and report by uid, beside a router that collects what they say. */

const routers = useRouters();
const UNTIL = { timeout: 30_000, interval: 100 };
/** The other system's own name, without KEY_PREFIX. */
const queue = (): string => `queue-of-${routers.keys.prefix}`;

afterEach(async () => {
  await routers.redis.del(queue());
});

async function add(stream: string, fields: Readonly<Record<string, string>>, id = "*"): Promise<string> {
  return String(await routers.redis.xadd(stream, id, ...Object.entries(fields).flat()));
}
const report = async (uid: string, status: string, id?: string) =>
  add(queue(), { log_uid: uid, strategy_id: "10", status, note: "n", position_uid: "p", logged_at: "" }, id);
const signal = async (uid: string) =>
  routers.publish(signalFields({ bar_time: new Date().toISOString(), uid }));
const stages = async (stage: string) =>
  (
    await routers.sql(
      `SELECT uid || ' ' || e.status AS row FROM signal_log_entries e JOIN signal_log USING (shard, entry_id, invocation)
       WHERE stage = '${stage}' ORDER BY part, uid`,
    )
  ).map(({ row }) => row);
const events = async (text: string) =>
  (await routers.sql("SELECT level, message FROM system_log WHERE message LIKE $1", [`%${text}%`])).map(
    ({ level, message }) => `${level as string} ${message as string}`,
  );

/** How often each record that waits was delivered, by Redis' count. */
async function waitingDeliveries(): Promise<unknown[]> {
  const key = routers.keys.stream("signal_results");
  const pending = (await routers.redis.xpending(key, "log_writer", "-", "+", 10)) as unknown[][];
  return pending.map((entry) => entry[3]);
}

async function untilNothingIsPending(): Promise<void> {
  await vi.waitFor(async () => {
    const { redis, keys } = routers;
    const pending = await Promise.all([
      redis.xpending(keys.stream("signal_results"), "log_writer"),
      redis.xpending(keys.stream("strategy_input_stream"), "strategy_executor"),
      redis.xpending(queue(), "outcome_collector"),
    ]);
    expect(pending.map(([count]) => count)).toEqual([0, 0, 0]);
  }, UNTIL);
}

test("reports are recorded under the decision of their uid: before it, twice, after an outage; others are no error", async () => {
  const { redis, keys, env } = routers;
  await insertReference(routers.databaseUrl, rowsWithStrategies([strategyRow(10, { handler: "none" })]));
  Object.assign(env, {
    FUNCTIONS: "process-signals,execute-strategies,persist-log,collect-outcomes,refresh-reference,reclaim",
    OUTCOME_STREAMS: queue(),
    // A delivery that counted would be the last.
    DELIVERIES_MAX: "1",
  });
  await report("of long ago", "closed", "1000-0");
  await routers.start();
  await vi.waitFor(async () => expect(await events("is new and starts at the end")).toHaveLength(1), UNTIL);
  expect((await events("is new and starts at the end"))[0]).toContain(
    "the 1 entries there are not worked on",
  );

  // Before the decision, and then one that is no report, a worker's own reverse, and the outcome by uid.
  await report("u1", "opened");
  await add(queue(), { hello: "world" });
  await vi.waitFor(async () => expect(await events("are no reports")).toHaveLength(1), UNTIL);
  await vi.waitFor(async () => expect(await waitingDeliveries()).toEqual([0]), UNTIL);
  await signal("u1");
  await vi.waitFor(async () => expect(await stages("report")).toEqual(["u1 opened"]), UNTIL);
  const reverse = {
    strategy_id: "10",
    signal_id: "1",
    symbol: "BTCUSDT",
    direction: "short",
    time: "2026-01-05 10:00:00",
    received_at: "2026-01-05 10:00:00",
    log_uid: "u1",
    source: "reverse_signal",
  };
  await add(keys.stream("strategy_input_stream"), reverse);
  const data = { strategy_id: 10, status: "executed", reason: null, detail: {}, attempt: 1, duration_ms: 1 };
  await add(keys.stream("signal_results"), {
    kind: "outcome",
    log_uid: "u1",
    data: JSON.stringify({ ...data, at: new Date().toISOString() }),
  });
  const reported = ["u1 opened", "u1 reverse_signal"];
  await vi.waitFor(async () => expect(await stages("report")).toEqual(reported), UNTIL);
  await vi.waitFor(async () => expect(await stages("execution")).toEqual(["u1 executed"]), UNTIL);

  // Postgres cannot be written to: nothing is lost, and the stream is read all the same.
  await routers.sql("ALTER TABLE signal_log RENAME TO hidden");
  await signal("u2");
  await report("u2", "protect");
  await vi.waitFor(async () => {
    const results = await redis.xrevrange(keys.stream("signal_results"), "+", "-", "COUNT", 3);
    expect(JSON.stringify(results)).toContain("protect");
  }, UNTIL);
  await routers.sql("ALTER TABLE hidden RENAME TO signal_log");
  await vi.waitFor(async () => expect(await stages("report")).toEqual([...reported, "u2 protect"]), UNTIL);

  // Everything again, from the beginning: what is stored stays one row, and what is of long ago leads nowhere.
  const create = ["groups", "create", "outcome_collector", "--from", "0"];
  expect(await routers.run("cli.ts", ...create)).toMatchObject({ code: 0 });
  await vi.waitFor(
    async () => expect(await events("was not dispatched to their strategy")).toHaveLength(1),
    UNTIL,
  );
  expect((await events("was not dispatched"))[0]).toMatch(/^INFO 1 reports/);
  await untilNothingIsPending();
  expect(await stages("report")).toEqual([...reported, "u2 protect"]);
  expect(await stages("execution")).toEqual(["u1 executed", "u2 delegated"]);
  expect(await redis.xlen(keys.stream("dead_letters"))).toBe(0);
  expect(await redis.xlen(queue())).toBe(4);
}, 120_000);
