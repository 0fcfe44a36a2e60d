import type { ServerResponse } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, strategyRow } from "../../builders.ts";
import { useReceivers, type Delivery } from "../../servers/http-receiver.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";
import type { RouterProcess } from "../../servers/router-process.ts";

const routers = useRouters();

async function start(env: Record<string, string> = {}): Promise<RouterProcess> {
  Object.assign(routers.env, {
    FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
    STRATEGY_PRIVATE_ADDRESSES: "true",
    ...env,
  });
  return routers.start();
}

const receiver = useReceivers();

async function publish(count: number): Promise<void> {
  const now = new Date().toISOString();
  for (let i = 0; i < count; i += 1)
    await routers.publish(signalFields({ bar_time: now, uid: `signal ${i}` }));
}

async function outcomes(count: number): Promise<Record<string, unknown>[]> {
  const rows = async () =>
    routers.sql(
      "SELECT strategy_id, status, reason, detail, attempt FROM signal_log_entries WHERE stage = 'execution' ORDER BY strategy_id, entry_id",
    );
  await vi.waitFor(async () => expect(await rows()).toHaveLength(count), { timeout: 30_000, interval: 100 });
  return rows();
}

const keyOf = ({ headers }: Delivery): unknown => headers["idempotency-key"];

interface Behaviour {
  /** What happens to the nth delivery of one task. */
  readonly does: (response: ServerResponse, nth: number) => void;
  /** What the record says of the task at its end, and how often it was delivered. */
  readonly ends: Record<string, unknown>;
  readonly deliveries: number;
  readonly timeoutMs?: number;
}

const ok = (response: ServerResponse): void => void response.end("taken");
/** `unanswered`: attempts that were sent and got no answer. */
const executed = (attempt: number, unanswered: number[] = []) => ({
  status: "executed",
  reason: null,
  detail: {
    status: 200,
    answer: "taken",
    ...(unanswered.length === 0 ? {} : { may_have_arrived: unanswered }),
  },
  attempt,
});
const failed = (reason: string, detail: Record<string, unknown>, attempt = 1) => ({
  status: "failed",
  reason,
  detail: expect.objectContaining(detail) as unknown,
  attempt,
});

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  takes: { does: ok, ends: executed(1), deliveries: 1 },
  drops: {
    does: (response, nth) => (nth < 3 ? void response.destroy() : ok(response)),
    ends: executed(3, [1, 2]),
    deliveries: 3,
  },
  sleeps: {
    timeoutMs: 1_500,
    does: (response, nth) => (nth < 2 ? undefined : ok(response)),
    ends: executed(2, [1]),
    deliveries: 2,
  },
  stumbles: {
    does: (response, nth) => (nth < 2 ? void response.writeHead(500).end() : ok(response)),
    ends: executed(2),
    deliveries: 2,
  },
  knows_nothing: {
    does: (response) => void response.writeHead(404).end("no such account"),
    ends: failed("http_404", { status: 404, answer: "no such account" }),
    deliveries: 1,
  },
  has_moved: {
    does: (response) => void response.writeHead(307, { location: "/takes" }).end(),
    ends: failed("http_307", { status: 307 }),
    deliveries: 1,
  },
  is_down: {
    does: (response) => void response.writeHead(503).end(),
    ends: failed(
      "attempts_exhausted",
      { error: expect.stringMatching(/^127\.0\.0\.1:\d+ answered 503$/) },
      3,
    ),
    deliveries: 3,
  },
};

test("whatever the receiver does, a task ends once, and every delivery of it carries the same key", async () => {
  const nth = new Map<unknown, number>();
  const { url, deliveries } = await receiver((response, delivery) => {
    const key = keyOf(delivery);
    nth.set(key, (nth.get(key) ?? 0) + 1);
    BEHAVIOURS[delivery.path.slice(1)]?.does(response, nth.get(key) ?? 0);
  });
  const names = Object.keys(BEHAVIOURS);
  const strategies = Object.entries(BEHAVIOURS).map(([name, { timeoutMs = 8_000 }], i) =>
    strategyRow(101 + i, { handler: "webhook", params: { url: `${url}/${name}`, timeout_ms: timeoutMs } }),
  );
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const router = await start({ DELIVERIES_MAX: "3" });
  const signals = 4;
  await publish(signals);
  const rows = await outcomes(signals * names.length);
  const seen = names.map((name, i) => {
    const made = deliveries.filter(({ path }) => path === `/${name}`);
    const ends = rows.filter((row) => row["strategy_id"] === 101 + i);
    return { name, ends, deliveries: made.length, keys: new Set(made.map(keyOf)).size };
  });
  const expected = Object.entries(BEHAVIOURS).map(([name, behaviour], i) => ({
    name,
    ends: Array.from({ length: signals }, () => ({ strategy_id: 101 + i, ...behaviour.ends })),
    deliveries: signals * behaviour.deliveries,
    keys: signals,
  }));
  expect(seen).toEqual(expected);
  // A key belongs to one task; the body says the same as the header, and which try it is.
  expect(nth.size).toBe(signals * names.length);
  const tries = deliveries.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(tries.map((each) => each["idempotency_key"])).toEqual(deliveries.map(keyOf));
  expect(
    new Set(tries.map((each) => `${String(each["idempotency_key"])} ${String(each["attempt"])}`)).size,
  ).toBe(deliveries.length);
  // Many runs and pauses wait for a stop at the same time, which Node would take for a leak.
  expect(router.output()).not.toContain("Warning:");
}, 60_000);

test("a receiver that acted before its answer was lost can tell the second delivery by its key", async () => {
  const orders = new Map<unknown, number>();
  const { url, deliveries } = await receiver((response, delivery) => {
    const seen = orders.has(keyOf(delivery));
    if (!seen) orders.set(keyOf(delivery), orders.size + 1);
    if (seen) response.writeHead(200).end(`order ${orders.get(keyOf(delivery))}`);
    else response.destroy();
  });
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([strategyRow(101, { handler: "webhook", params: { url } })]),
  );
  await start();
  await publish(3);
  const rows = await outcomes(3);
  expect(rows.map((row) => [row["status"], row["attempt"], row["detail"]])).toEqual(
    [1, 2, 3].map((order) => [
      "executed",
      2,
      { status: 200, answer: `order ${order}`, may_have_arrived: [1] },
    ]),
  );
  expect(deliveries).toHaveLength(6);
  expect(orders.size).toBe(3);
});

test("a delivery that was out when the router was killed is made again with the same key", async () => {
  const { url, deliveries } = await receiver((response) => {
    if (deliveries.length > 1) ok(response);
  });
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([strategyRow(101, { handler: "webhook", params: { url } }), strategyRow(102)]),
  );
  const first = await start();
  await publish(1);
  await vi.waitFor(() => expect(deliveries).toHaveLength(1), { timeout: 10_000 });
  first.signal("SIGKILL");
  await first.ended();
  await start();
  expect(await outcomes(2)).toEqual([
    { strategy_id: 101, ...executed(2, [1]) },
    expect.objectContaining({ strategy_id: 102, status: "executed" }),
  ]);
  expect(deliveries).toHaveLength(2);
  expect(new Set(deliveries.map(keyOf)).size).toBe(1);
});

test("with one connection per host, orders wait before they begin, and a stop leaves them uncounted", async () => {
  const { url, deliveries } = await receiver(() => undefined);
  const strategies = [101, 102, 103].map((id) =>
    strategyRow(id, { handler: "webhook", params: { url: `${url}/${id}` } }),
  );
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const router = await start({ STRATEGY_CONNECTIONS_PER_HOST_MAX: "1", SHUTDOWN_MS_MAX: "1500" });
  await publish(1);
  await vi.waitFor(() => expect(deliveries).toHaveLength(1), { timeout: 10_000 });
  router.signal("SIGTERM");
  await router.ended();
  expect(deliveries).toHaveLength(1);
  const stream = routers.keys.stream("strategy_input_stream");
  const pending = (await routers.redis.xpending(stream, "strategy_executor", "-", "+", 10)) as unknown[][];
  expect(pending.map(([, , , attempts]) => Number(attempts)).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
});

describe("what cannot be run fails with its reason, and the others go on", () => {
  test("a strategy that posts to this machine, unless private addresses are allowed", async () => {
    const { url, port, connections } = await receiver(ok);
    const urls = [`${url}/t0ken`, `http://localhost:${port}/t0ken`];
    const strategies = urls.map((each, i) =>
      strategyRow(101 + i, { handler: "webhook", params: { url: each } }),
    );
    await insertReference(routers.databaseUrl, rowsWithStrategies([...strategies, strategyRow(103)]));
    await start({ STRATEGY_PRIVATE_ADDRESSES: "false" });
    await publish(1);
    const [first, second, third] = await outcomes(3);
    for (const row of [first, second]) {
      expect(row).toMatchObject({ status: "failed", reason: "forbidden_address", attempt: 1 });
      expect(row?.["detail"]).toEqual({ error: expect.stringContaining("STRATEGY_PRIVATE_ADDRESSES") });
      expect(JSON.stringify(row)).not.toContain("t0ken");
    }
    expect(third).toMatchObject({ status: "executed" });
    expect(connections().ever).toBe(0);
  });

  test("a strategy whose handler or params are wrong, which the log says as soon as it is read", async () => {
    await insertReference(
      routers.databaseUrl,
      rowsWithStrategies([
        strategyRow(101, { handler: "webhok" }),
        strategyRow(102, { handler: "webhook", params: { url: "t0ken" } }),
        strategyRow(103),
      ]),
    );
    const router = await start();
    await publish(1);
    expect(await outcomes(3)).toMatchObject([
      { status: "failed", reason: "unknown_handler" },
      { status: "failed", reason: "invalid_params" },
      { status: "executed" },
    ]);
    const events = async () =>
      routers.sql(
        "SELECT level, details->>'strategy_id' AS id FROM system_log WHERE action_flag AND source = 'refresh-reference' ORDER BY id",
      );
    await vi.waitFor(
      async () =>
        expect(await events()).toEqual([
          { level: "ERROR", id: "101" },
          { level: "ERROR", id: "102" },
        ]),
      { timeout: 10_000 },
    );
    expect(router.output()).not.toContain("t0ken");
  });
});
