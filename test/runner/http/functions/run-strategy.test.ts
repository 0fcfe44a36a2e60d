import { describe, expect, test } from "vitest";
import { pause } from "../../../../shared/io/reference/control-store.ts";
import { rowsWithStrategies, strategyRow, taskFields, tickerRow } from "../../../builders.ts";
import { useReceivers } from "../../../servers/http-receiver.ts";
import { everythingIn } from "../everything-in.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { STRATEGY_PRIVATE_ADDRESSES: "true" } });
const receive = useReceivers();

const LONG = { symbol: "btcusdt.P", direction: "long" };
const REAL = { ...LONG, for_real: true, by: "ann", reason: "the signal was lost" };

/** Strategy 10, `Trend`, posts to a receiver that answers with this status; 11 is paused; 12 has neither. */
async function stage(status = 200) {
  const receiver = await receive((response) => {
    response.statusCode = status;
    response.end("ok");
  });
  const params = { url: `${receiver.url}/hook/t0ken-of-a-desk` };
  const rows = rowsWithStrategies(
    [
      strategyRow(10, { name: "Trend", handler: "webhook", params }),
      strategyRow(11, {
        name: "Held up",
        handler: "webhook",
        params: { ...params, secret: "NOT_SET" },
        archived: true,
      }),
    ],
    { tickers: [tickerRow("BTCUSDT")] },
  );
  await http.setReference(rows);
  await pause(http.services.redis, http.services.keys, 11, { by: "ann", at: Date.now() });
  return receiver;
}

const run = async (strategy: string, body: object) =>
  http.call("POST", `/strategies/${encodeURIComponent(strategy)}/run`, body);

describe("one strategy on demand", () => {
  test("shows as a dry run the request that it makes for real, which is recorded and runs once", async () => {
    const receiver = await stage();
    const before = await everythingIn(http);
    const invocation = "by-hand-1";
    const bar = { time: "2026-01-05T10:00:00Z", invocation };
    const dry = await run("Trend", { ...LONG, ...bar });
    expect(dry.status).toBe(200);
    expect(await everythingIn(http)).toEqual(before);
    expect(receiver.deliveries).toEqual([]);
    const { preview } = dry.body;
    expect(preview).toMatchObject({ strategy_id: 10, strategy: "Trend", handler: "webhook", stops: [] });
    expect(preview.would.post.url).toBe(`${receiver.url}/…`);
    expect(JSON.stringify(dry.body)).not.toContain("t0ken");

    const real = await run("10", { ...REAL, ...bar });
    expect(real).toMatchObject({
      status: 200,
      body: { dry_run: false, invocation, execution: { status: "executed", attempt: 1 } },
    });
    const [delivery] = receiver.deliveries;
    expect(delivery?.headers).toMatchObject(
      Object.fromEntries(
        Object.entries<string>(preview.would.post.headers).map(([name, value]) => [
          name.toLowerCase(),
          value,
        ]),
      ),
    );
    // The two were asked at two moments, which are the id of the run and the time it was received.
    const timeless = (body: string, { entry_id: entryId }: { entry_id: string }): string =>
      body.replaceAll(entryId, "ENTRY").replaceAll(/"(sent|received)_at":"[^"]*"/g, '"$1_at":""');
    expect(timeless(preview.would.post.body, dry.body)).toBe(timeless(delivery?.body ?? "", real.body));

    expect(await run("Trend", { ...REAL, ...bar })).toMatchObject({
      status: 409,
      body: { code: "invocation_used" },
    });
    expect(await run("Trend", { ...REAL, ...bar, direction: "short" })).toMatchObject({ status: 409 });
    expect(receiver.deliveries).toHaveLength(1);

    await http.services.events.flush(1_000);
    await http.call("POST", "/functions/persist-log/poll");
    expect(await http.sql("SELECT kind, requested_by, reason FROM invocations")).toEqual([
      { kind: "manual", requested_by: "ann", reason: REAL.reason },
    ]);
    expect(await http.sql("SELECT entry_id, invocation, stage, status FROM signal_log_entries")).toEqual([
      { entry_id: real.body.entry_id, invocation, stage: "execution", status: "executed" },
    ]);
    const events = await http.sql("SELECT message FROM system_log WHERE source = 'strategy-run'");
    expect(events).toEqual([
      { message: "Trend (10) was run by ann, long on BTCUSDT: executed (the signal was lost)" },
    ]);
    const logged = await run("Trend", { ...REAL, invocation: String(real.body.invocation) });
    expect(logged.body).toMatchObject({ code: "invocation_used" });
    expect(await http.sql("SELECT 1 FROM signal_log")).toEqual([]);
  });

  test("two runs have two keys, and a run that fails says so", async () => {
    const receiver = await stage(503);
    const [first, second] = [await run("Trend", REAL), await run("Trend", REAL)];
    expect(first.body).toMatchObject({
      execution: { status: "failed", reason: "attempts_exhausted" },
      dead_letter: expect.stringContaining("answered 503"),
    });
    expect(second.body.idempotency_key).not.toBe(first.body.idempotency_key);
    expect(receiver.deliveries.map(({ headers }) => headers["idempotency-key"])).toEqual([
      first.body.idempotency_key,
      second.body.idempotency_key,
    ]);
  });

  test("is not run under an invocation that the log has, by one call or by several at once", async () => {
    const receiver = await stage();
    const invocation = "of-another-run";
    await http.sql(
      "INSERT INTO invocations (id, kind, selection, started_at) VALUES ($1, 'manual', '{}', now())",
      [invocation],
    );
    const calls = await Promise.all([1, 2, 3].map(async () => run("Trend", { ...REAL, invocation })));
    for (const { body } of calls) expect(body).toMatchObject({ code: "invocation_used" });
    expect(receiver.deliveries).toEqual([]);
    const { redis, keys } = http.services;
    expect(await redis.exists(keys.done(invocation, "run"))).toBe(0);
  });

  test("is refused for everything that would stop it, and an unknown name with the closest", async () => {
    const receiver = await stage();
    const { body: shown } = await run("Held up", { ...LONG, symbol: "BTCUSTD" });
    const reasons = ["strategy_archived", "paused", "missing_secret", "unknown_ticker"];
    expect(shown.preview.stops.map(({ reason }: { reason: string }) => reason)).toEqual(reasons);
    const refused = await run("Held up", { ...REAL, symbol: "BTCUSTD" });
    expect(refused).toMatchObject({ status: 409, body: { code: "run_refused" } });
    expect(refused.body.detail).toMatch(
      /^Held up \(11\) was not run: the strategy is archived; the strategy is paused/,
    );
    expect(await run("Trent", LONG)).toMatchObject({
      status: 404,
      body: { code: "no_such_strategy", detail: expect.stringContaining('the closest is "Trend"') },
    });
    expect(await run("Trend", { ...REAL, reason: undefined })).toMatchObject({
      status: 422,
      body: { issues: [{ path: "reason" }] },
    });
    expect(receiver.deliveries).toEqual([]);
  });

  test("is run as an exit, of one side, where it takes exits", async () => {
    const receiver = await stage();
    const exit = { ...REAL, direction: "flat" };
    expect(await run("Trend", { ...exit, side: "long" })).toMatchObject({
      status: 409,
      body: { code: "run_refused", issues: [{ path: "exits_not_taken" }] },
    });
    expect(await run("Trend", { ...REAL, side: "long" })).toMatchObject({
      status: 422,
      body: { issues: [{ path: "side" }] },
    });
    await http.setReference(
      rowsWithStrategies([
        strategyRow(10, {
          name: "Trend",
          handler: "webhook",
          params: { url: receiver.url },
          allow_open: false,
          exits: true,
        }),
      ]),
    );
    const bodies = [await run("Trend", { ...exit, side: "long" }), await run("Trend", exit)].map(
      ({ body }) => body,
    );
    expect(bodies).toMatchObject([
      { direction: "flat", side: "long", execution: { status: "executed" } },
      { direction: "flat", side: null, execution: { status: "executed" } },
    ]);
    const signals = receiver.deliveries.map(({ body }) => (JSON.parse(body) as { signal: object }).signal);
    expect(signals).toMatchObject([
      { direction: "flat", side: "long", uid: `manual:${String(bodies[0].invocation)}:long` },
      { direction: "flat", side: null },
    ]);
  });
});

test("a dry run of execute-strategies shows what each task's strategy would do, and what would stop it", async () => {
  await stage();
  const entries = ["10", "11", "99"].map((id) => ({ fields: taskFields(Date.now(), { strategy_id: id }) }));
  const { body } = await http.call("POST", "/functions/execute-strategies?dryRun=true", { entries });
  expect(body.results).toMatchObject([
    { status: "done", task: { strategy: "Trend", stops: [], would: { post: { method: "POST" } } } },
    {
      reason: "strategy_archived",
      task: { handler: "webhook", stops: [{}, {}, { reason: "missing_secret" }] },
    },
    { reason: "unknown_strategy", task: { handler: null } },
  ]);
});
