import { expect, test, vi } from "vitest";
import type { NotificationBody } from "../../../shared/notification/notification.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../../builders.ts";
import { outcomeEntry } from "../../records.ts";
import { useReceivers, type Receiver } from "../../servers/http-receiver.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";
import { untilItRuns, type RouterProcess } from "../../servers/router-process.ts";

const routers = useRouters();
const receive = useReceivers();

const PATIENT = { timeout: 25_000, interval: 100 };
const now = (): string => new Date().toISOString();
const traced = (id: number, does: string) => strategyRow(id, { handler: "traced", params: { does } });

const accepting = async (): Promise<Receiver> => receive((response) => void response.end());
const hanging = async (): Promise<Receiver> => receive(() => undefined);

async function start(env: Record<string, string>): Promise<RouterProcess> {
  Object.assign(routers.env, {
    FUNCTIONS: "process-signals,execute-strategies,persist-log,notify,refresh-reference,reclaim,trim",
    STRATEGY_TIMEOUT_MS: "1000",
    ...env,
  });
  return untilItRuns(routers.spawn("test/runner/bindings/executing-router.ts"));
}

const bodiesOf = ({ deliveries }: Receiver): NotificationBody[] =>
  deliveries.map(({ body }) => JSON.parse(body) as NotificationBody);

/** Reports an outcome as an external worker does. */
async function report(strategyId: number): Promise<void> {
  const { fields } = outcomeEntry({ status: "failed", reason: "error", strategy_id: strategyId });
  await routers.redis.xadd(routers.keys.stream("signal_results"), "*", ...Object.entries(fields).flat());
}

/** Entries that a group of signal_results has not read, and those it has not acknowledged. */
async function groupState(name: string): Promise<{ waiting: number; pending: number } | undefined> {
  const key = routers.keys.stream("signal_results");
  const groups = (await routers.redis.xinfo("GROUPS", key)) as unknown[][];
  const flat = groups.find((group) => group[1] === name);
  if (flat === undefined) return undefined;
  const last = String(flat[flat.indexOf("last-delivered-id") + 1]);
  const waiting = (await routers.redis.xrange(key, `(${last}`, "+")).length;
  return { waiting, pending: Number(flat[flat.indexOf("pending") + 1]) };
}

const notifier = async () => groupState("notifier");

async function untilAllIsDone(name = "notifier"): Promise<void> {
  await vi.waitFor(async () => expect(await groupState(name)).toEqual({ waiting: 0, pending: 0 }), PATIENT);
}

async function untilLogged(executions: number): Promise<void> {
  const counting = "SELECT count(*)::int AS n FROM signal_log_entries WHERE stage = 'execution'";
  await vi.waitFor(async () => expect(await routers.sql(counting)).toEqual([{ n: executions }]), PATIENT);
}

test("an outcome that failed is reported with its strategy and signal; the others are not", async () => {
  const strategies = [traced(101, "fail"), traced(102, "work"), strategyRow(103, { enabled: false })];
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const receiver = await accepting();
  await start({ NOTIFY_URL: `${receiver.url}/hook` });
  const entryId = await routers.publish(signalFields({ bar_time: now(), uid: "u-1" }));
  await untilLogged(2);
  await untilAllIsDone();
  expect(bodiesOf(receiver)).toEqual([
    {
      text: 'failed (no_account): strategy 101 (101), BTCUSDT, long {"error":"no such account"}',
      content: expect.stringContaining("no_account"),
      allowed_mentions: { parse: [] },
      summed_up: [],
      outcomes: [
        {
          stage: "execution",
          strategy_id: 101,
          strategy: "strategy 101",
          symbol: "BTCUSDT",
          direction: "long",
          status: "failed",
          reason: "no_account",
          detail: '{"error":"no such account"}',
          uid: "u-1",
          entry_id: entryId,
          invocation: "live",
          at: expect.any(String),
        },
      ],
    },
  ]);
});

test("outcomes of the routing are reported when NOTIFY_OUTCOMES names them", async () => {
  const strategies = [
    strategyRow(101),
    strategyRow(102, { archived: true }),
    strategyRow(103, { shadow: true }),
  ];
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const receiver = await accepting();
  await start({ NOTIFY_URL: receiver.url, NOTIFY_OUTCOMES: "ignored,shadow" });
  await routers.publish(signalFields({ bar_time: now() }));
  await untilLogged(1);
  await untilAllIsDone();
  const texts = bodiesOf(receiver).map(({ text }) => text);
  expect(texts).toEqual([
    "ignored (strategy_archived): strategy 102 (102), BTCUSDT, long",
    "shadow: strategy 103 (103), BTCUSDT, long",
  ]);
});

test("a NOTIFY_URL that hangs slows neither routing, nor execution, nor the log", async () => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([traced(101, "fail"), traced(102, "work")]));
  const silent = await hanging();
  await start({ NOTIFY_URL: silent.url });
  await routers.publish(signalFields({ bar_time: now(), uid: "first" }));
  await vi.waitFor(() => expect(silent.deliveries.length).toBeGreaterThan(0), PATIENT);
  // From here on no notification is answered.
  for (let i = 0; i < 50; i += 1) await routers.publish(signalFields({ bar_time: now(), uid: `later ${i}` }));
  await untilLogged(102);
});

test("a NOTIFY_URL that hangs does not hold up the stop, and the next router reports what was left", async () => {
  const silent = await hanging();
  const router = await start({ NOTIFY_URL: silent.url, SHUTDOWN_MS_MAX: "4000" });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await report(7);
  await vi.waitFor(() => expect(silent.deliveries).toHaveLength(1), PATIENT);
  router.signal("SIGTERM");
  expect(await router.ended()).toBe(0);
  expect(router.output()).not.toContain("SHUTDOWN_MS_MAX");
  const receiver = await accepting();
  await start({ NOTIFY_URL: receiver.url });
  await untilAllIsDone();
  expect(bodiesOf(receiver)).toMatchObject([{ outcomes: [{ strategy_id: 7 }] }]);
});

test("of a hundred failures at once five are reported by themselves, and the stop reports the sum of the others", async () => {
  const receiver = await accepting();
  const router = await start({ NOTIFY_URL: receiver.url, NOTIFY_PER_MINUTE_MAX: "5" });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await Promise.all(Array.from({ length: 100 }, async (_, i) => report(i < 70 ? 7 : 8)));
  await untilAllIsDone();
  expect(bodiesOf(receiver).map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1, 1, 1]);
  router.signal("SIGTERM");
  expect(await router.ended()).toBe(0);
  const [sum, ...more] = bodiesOf(receiver).slice(5);
  expect(more).toEqual([]);
  // Which five are reported first depends on how they were read.
  const [, ...counts] =
    /^and 95 more: (\d+) failed \(error\) of strategy 7, (\d+) failed \(error\) of strategy 8$/.exec(
      sum?.text ?? "",
    ) ?? [];
  expect(counts.reduce((total, count) => total + Number(count), 0)).toBe(95);
});

test("nothing is reported of what happened before it was switched on", async () => {
  await report(1);
  const receiver = await accepting();
  const first = await start({ NOTIFY_URL: receiver.url });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await report(2);
  await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(1), PATIENT);
  first.signal("SIGTERM");
  await first.ended();
  // What happens between two runs is reported by the second one.
  await report(3);
  await start({ NOTIFY_URL: receiver.url });
  await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(2), PATIENT);
  const reported = bodiesOf(receiver).flatMap(({ outcomes }) =>
    outcomes.map(({ strategy_id }) => strategy_id),
  );
  expect(reported).toEqual([2, 3]);
});

test("what a killed router was reporting is reported by the next one", async () => {
  const silent = await hanging();
  const router = await start({ NOTIFY_URL: silent.url });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await report(7);
  await vi.waitFor(() => expect(silent.deliveries).toHaveLength(1), PATIENT);
  router.signal("SIGKILL");
  await router.ended();
  const receiver = await accepting();
  await start({ NOTIFY_URL: receiver.url });
  await untilAllIsDone();
  expect(bodiesOf(receiver)).toMatchObject([{ outcomes: [{ strategy_id: 7 }] }]);
});

test("what cannot be reported is given up with a warning without the URL's token", async () => {
  const receiver = await receive((response, { path }) => void response.writeHead(410).end(`${path} is gone`));
  const router = await start({ NOTIFY_URL: `${receiver.url}/services/s3cr3t-token`, LOG_LEVEL: "trace" });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await report(7);
  await untilAllIsDone();
  const warnings = "SELECT message FROM system_log WHERE source = 'notify' AND level = 'WARNING'";
  await vi.waitFor(async () => expect(await routers.sql(warnings)).toHaveLength(1), PATIENT);
  const [{ message } = {}] = await routers.sql(warnings);
  expect(message).toContain(`${receiver.url}/***`);
  expect(`${JSON.stringify(await routers.sql("SELECT * FROM system_log"))} ${router.output()}`).not.toContain(
    "s3cr3t-token",
  );
});

test("entries trimmed before they were reported are no dead letters", async () => {
  const silent = await hanging();
  const router = await start({ NOTIFY_URL: silent.url });
  await vi.waitFor(async () => expect(await notifier()).toBeDefined(), PATIENT);
  await report(7);
  await vi.waitFor(() => expect(silent.deliveries).toHaveLength(1), PATIENT);
  // What is trimmed before persist-log has written it is a dead letter, and rightly so.
  await untilAllIsDone("log_writer");
  router.signal("SIGKILL");
  await router.ended();
  await routers.redis.xtrim(routers.keys.stream("signal_results"), "MAXLEN", 0);
  await start({ NOTIFY_URL: silent.url });
  await untilAllIsDone();
  expect(await routers.redis.xlen(routers.keys.stream("dead_letters"))).toBe(0);
  expect(silent.deliveries).toHaveLength(1);
});

test.each([
  ["without NOTIFY_URL", { NOTIFY_URL: "" }],
  ["when FUNCTIONS does not name it", { FUNCTIONS: "process-signals,persist-log,refresh-reference" }],
])("%s nothing is read for it", async (_, env) => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([strategyRow(101)]));
  await start({ NOTIFY_URL: "http://127.0.0.1:1/", ...env });
  await routers.publish(signalFields({ bar_time: now() }));
  const logged = "SELECT count(*)::int AS n FROM signal_log";
  await vi.waitFor(async () => expect(await routers.sql(logged)).toEqual([{ n: 1 }]), PATIENT);
  expect(await notifier()).toBeUndefined();
});
