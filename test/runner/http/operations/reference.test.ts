import { expect, test } from "vitest";
import { referenceRows, rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp();

const current = async () => http.services.redis.get(http.services.keys.referenceCurrent);

test("the current snapshot is shown with its version, its age and its content", async () => {
  const { status, body } = await http.call("GET", "/reference");
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(status).toBe(200);
  expect(body).toEqual({
    version: await current(),
    counts: { tickers: 1, strategies: 1, phrases: 2 },
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
  expect(unchanged.body).toEqual({ state: "unchanged", version: await current(), counts, warnings: [] });
  await http.sql("INSERT INTO signals (id, name, short_phrase) VALUES (2, 'again', 'SIGNAL_1_LONG')");
  const { status, body } = await http.call("POST", "/reference/refresh");
  expect(status).toBe(200);
  expect(body).toEqual({
    state: "published",
    version: await current(),
    counts,
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

test("an unusable row is named, and the snapshot stays", async () => {
  const before = await current();
  await http.sql("UPDATE strategies SET params = '[1]'");
  const { status, body } = await http.call("POST", "/reference/refresh");
  expect({ status, code: body.code }).toEqual({ status: 409, code: "unusable_reference_row" });
  expect(body.detail).toContain("table strategies, row with id 10, column params");
  expect(await current()).toBe(before);
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
