import { expect, test, vi } from "vitest";
import { referenceRows, rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp();

const UNTIL = { timeout: 10_000, interval: 50 };

const current = async () => http.services.redis.get(http.services.keys.referenceCurrent);

test("the current snapshot is shown with its version, its age and its content", async () => {
  const { status, body } = await http.call("GET", "/reference");
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(status).toBe(200);
  expect(body).toEqual({
    version: await current(),
    counts: { tickers: 1, strategies: 1, phrases: 2 },
    faults: { count: 0, named: [] },
    created_at: time,
    confirmed_at: time,
    age_ms: expect.any(Number),
    content: {
      tickers: { BTCUSDT: { status: "enabled", trade_permission: "enabled" } },
      strategies: { 10: expect.objectContaining({ name: "strategy 10", symbols: null }) },
      phrases: {
        signal_1_long: expect.objectContaining({ direction: "long", strategy_ids: [10] }),
        signal_1_short: expect.objectContaining({ direction: "short", strategy_ids: [10] }),
      },
      sources: {},
    },
  });
  const without = await http.call("GET", "/reference?content=false");
  expect(without.body).toMatchObject({ version: body.version, counts: body.counts });
  expect(without.body).not.toHaveProperty("content");
});

test("without a complete snapshot the answer says what to do", async () => {
  const { redis, keys } = http.services;
  await redis.del(keys.reference((await current()) ?? "", "meta"));
  const broken = await http.call("GET", "/reference");
  await redis.del(keys.referenceCurrent);
  const none = await http.call("GET", "/reference?content=false");
  for (const answer of [broken, none]) {
    const hint = expect.stringContaining("POST /reference/refresh");
    expect(answer).toMatchObject({ status: 404, body: { code: "no_snapshot", hint } });
  }
  expect(await http.call("POST", "/reference/refresh")).toMatchObject({
    status: 200,
    body: { state: "published" },
  });
  expect((await http.call("GET", "/reference")).status).toBe(200);
});

test("a refresh makes the content of Postgres current, and reports what is wrong with it", async () => {
  const unchanged = await http.call("POST", "/reference/refresh");
  const counts = { tickers: 1, strategies: 1, phrases: 2 };
  const faults = { count: 0, named: [] };
  const version = await current();
  expect(unchanged.body).toEqual({ state: "unchanged", version, counts, faults, warnings: [] });
  await http.sql("INSERT INTO signals (id, name, short_phrase) VALUES (2, 'again', 'SIGNAL_1_LONG')");
  const { status, body } = await http.call("POST", "/reference/refresh");
  expect(status).toBe(200);
  expect(body).toEqual({
    state: "published",
    version: await current(),
    counts,
    faults,
    warnings: [{ level: "ERROR", message: expect.stringContaining("stands for long and for short") }],
  });
  expect(body.version).not.toBe(unchanged.body.version);
});

test("a refresh answers each time which strategies cannot be run", async () => {
  const params = JSON.stringify({ url: "http://127.0.0.1/", secret: "NOT_SET" });
  await http.sql("UPDATE strategies SET name = 'Trend', handler = 'webhook', params = $1", [params]);
  for (const state of ["published", "unchanged"]) {
    const { body } = await http.call("POST", "/reference/refresh");
    expect(body).toMatchObject({
      state,
      warnings: [
        {
          level: "ERROR",
          message: expect.stringMatching(/Trend \(10\).*127\.0\.0\.1 is not a public address/),
        },
        {
          level: "ERROR",
          message: expect.stringMatching(/Trend \(10\).*STRATEGY_SECRET_NOT_SET is not set/),
        },
      ],
    });
  }
});

test("an unusable row is named, health is degraded until it is corrected, and everything else is current", async () => {
  const ready = async () => (await http.call("GET", "/readyz")).body;
  await http.sql("ALTER TABLE strategies DROP CONSTRAINT strategies_params_check");
  await http.sql("UPDATE strategies SET params = '[\"s3cret\"]'");
  await http.sql("UPDATE tickers SET status = 'disabled'");
  const { status, body } = await http.call("POST", "/reference/refresh");
  const fault = {
    table: "strategies",
    row: "strategy 10 (10)",
    column: "params",
    value: "a list",
    effect: "the strategy cannot run: its tasks fail as unusable_reference_row",
  };
  const faults = { count: 1, named: [fault] };
  const warnings = [
    { level: "ERROR", message: expect.stringContaining("row strategy 10 (10), column params") },
  ];
  expect({ status, body }).toMatchObject({ status: 200, body: { state: "published", faults, warnings } });
  const shown = await http.call("GET", "/reference");
  expect(shown.body).toMatchObject({ faults, content: { tickers: { BTCUSDT: { status: "disabled" } } } });
  const health = await ready();
  expect(health.reasons).toContainEqual(
    expect.stringContaining("table strategies, row strategy 10 (10), column params: a list"),
  );
  expect(JSON.stringify([body, shown.body, health])).not.toContain("s3cret");
  await http.sql("UPDATE strategies SET params = '{}'");
  await http.call("POST", "/reference/refresh");
  await vi.waitFor(async () => expect((await ready()).reasons.join()).not.toContain("params"), UNTIL);
});

test("after two refreshes in a row that could not read Postgres health is degraded, until the next success", async () => {
  const reasons = async (): Promise<string> => (await http.call("GET", "/readyz")).body.reasons.join("; ");
  await http.sql("ALTER TABLE strategy_tickers RENAME TO gone");
  for (const call of ["/reference/refresh", "/functions/refresh-reference"])
    expect((await http.call("POST", call)).status).not.toBe(200);
  await vi.waitFor(
    async () =>
      expect(await reasons()).toMatch(
        new RegExp(
          `could not be refreshed from Postgres 2 times in a row: .*strategy_tickers.*Postgres lacks a table: .*decisions go on with version ${await current()}, confirmed \\d+ s ago`,
        ),
      ),
    UNTIL,
  );
  await http.sql("ALTER TABLE gone RENAME TO strategy_tickers");
  expect((await http.call("POST", "/reference/refresh")).status).toBe(200);
  await vi.waitFor(async () => expect(await reasons()).not.toContain("in a row"), UNTIL);
});

test("a snapshot that a newer version of the router has published is left as it is, and people are told to upgrade", async () => {
  const { redis, keys, events } = http.services;
  const version = (await current()) ?? "";
  await redis.hset(keys.reference(version, "meta"), "format", "4");
  await http.sql("UPDATE tickers SET status = 'disabled'");
  for (let n = 0; n < 2; n += 1) {
    const { status, body } = await http.call("POST", "/reference/refresh");
    expect({ status, state: body.state }).toEqual({ status: 200, state: "newer_format" });
  }
  expect(await current()).toBe(version);
  await events.flush(5_000);
  const errors = (await http.fieldsIn("system_events")).filter(({ level }) => level === "ERROR");
  const message = expect.stringMatching(/does not refresh the reference.*upgrade this router/);
  expect(errors).toEqual([expect.objectContaining({ message, action_flag: "true" })]);
  const { reasons } = (await http.call("GET", "/readyz")).body;
  expect(reasons).toContainEqual(
    expect.stringMatching(/newer version of the router \(format 4 .*knows 3\).*upgrade this router/),
  );
});

test("a failure that cannot be counted in Redis does not hide why the refresh failed", async () => {
  await http.services.redis.set(http.services.keys.referenceFailures, "of another type");
  await http.sql("ALTER TABLE strategy_tickers RENAME TO gone");
  expect(await http.call("POST", "/reference/refresh")).toMatchObject({
    status: 503,
    body: { code: "postgres_unavailable" },
  });
  await http.sql("ALTER TABLE gone RENAME TO strategy_tickers");
  expect((await http.call("POST", "/reference/refresh")).status).toBe(200);
  expect(await http.services.redis.exists(http.services.keys.referenceFailures)).toBe(0);
});

test("while Postgres is unavailable the snapshot can be read but not refreshed", async () => {
  expect(await callWithoutPostgres(http, "POST", "/reference/refresh")).toMatchObject({
    status: 503,
    body: { code: "postgres_unavailable" },
  });
  expect((await callWithoutPostgres(http, "GET", "/reference")).status).toBe(200);
});

test("a name that means something to JavaScript is a name like any other", async () => {
  const strategies = [strategyRow(10, { params: { constructor: "x" } })];
  await http.setReference({
    ...rowsWithStrategies(strategies),
    ...referenceRows({
      strategies,
      tickers: [tickerRow("__PROTO__")],
      signals: [signalRow(1, { long_phrase: "__proto__" })],
    }),
  });
  const { body } = await http.call("GET", "/reference");
  expect(Object.keys(body.content.phrases)).toContain("__proto__");
});

test("an invalid parameter is refused", async () => {
  for (const query of ["content=no", "content=", "contents=false"]) {
    expect(await http.call("GET", `/reference?${query}`)).toMatchObject({
      status: 422,
      body: { code: "invalid_request" },
    });
  }
});
