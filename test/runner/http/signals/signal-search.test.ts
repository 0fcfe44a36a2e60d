import { expect, test } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { SIGNAL_STATUSES } from "../../../../shared/reasons.ts";
import { rowsWithStrategies, strategyRow, tickerRow } from "../../../builders.ts";
import { at, logged, NO_ROWS, routed } from "../../../shared/io/log/logged.ts";
import { useHttpApp } from "../http-fixture.ts";
import { decideWaiting, freshSignal, logWaiting } from "../router-steps.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp({ rows: rowsWithStrategies([strategyRow(10), strategyRow(11, { archived: true })]) });

const search = async (params: Readonly<Record<string, string>>) =>
  http.call("GET", `/signals?${new URLSearchParams(params).toString()}`);
const idsIn = (body: { signals: { entry_id: string }[] }) => body.signals.map(({ entry_id }) => entry_id);
const write = async (...signals: ReturnType<typeof logged>[]) =>
  logStoreOn(http.services.database, http.services.keys.prefix).write({ ...NO_ROWS, signals });

test("signals are found by their decision and by a strategy's outcome", async () => {
  const taken = await http.publish(freshSignal({ bar_time: "2026-01-05T10:00:00Z", symbol: "btcusdt.p" }));
  const unknown = await http.publish(freshSignal({ symbol: "NOUSDT" }));
  const bad = await http.publish(freshSignal({ bar_time: "yesterday" }));
  await decideWaiting(http.services);
  await logWaiting(http.services);

  const { body } = await search({});
  expect(idsIn(body)).toEqual([bad, unknown, taken]);
  expect(body.signals[2]).toMatchObject({
    invocation: "live",
    status: "dispatched",
    bar_time: "2026-01-05T10:00:00.000Z",
  });
  expect(idsIn((await search({ symbol: " btcusdt.P " })).body)).toEqual([bad, taken]);
  expect(idsIn((await search({ reason: "unknown_ticker" })).body)).toEqual([unknown]);
  expect(idsIn((await search({ reason: "strategy_archived" })).body)).toEqual([taken]);
  expect(idsIn((await search({ strategy: "11", status: "ignored" })).body)).toEqual([unknown, taken]);
  expect(idsIn((await search({ strategy: "10", status: "dispatched" })).body)).toEqual([taken]);
  expect(idsIn((await search({ status: "rejected", invocation: "live", limit: "1" })).body)).toEqual([bad]);
});

test("a symbol may be any spelling of its ticker, and X.P one of its own", async () => {
  const symbols = ["XBTUSD", "BTCUSDT", "BTCUSDT.P", "SOLUSDT.P"];
  const rows = rowsWithStrategies([strategyRow(10)], {
    tickers: [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P")],
    ticker_aliases: [{ alias: "XBTUSD", symbol: "BTCUSDT" }],
  });
  await http.setReference(rows);
  const signal = (symbol: string) => freshSignal({ bar_time: "2026-01-05T10:00:00Z", symbol });
  const [alias, spot, perpetual, unknown] = await Promise.all(
    symbols.map(async (symbol) => http.publish(signal(symbol))),
  );
  await decideWaiting(http.services);
  await logWaiting(http.services);
  const { body } = await search({});
  expect(body.signals.map(({ status }: { status: string }) => status)).toEqual([
    "ignored",
    "dispatched",
    "duplicate",
    "dispatched",
  ]);
  for (const typed of [" xbtusd", "BTCUSDT"])
    expect(idsIn((await search({ symbol: typed })).body)).toEqual([spot, alias]);
  expect(idsIn((await search({ symbol: "btcusdt.p" })).body)).toEqual([perpetual]);
  expect(idsIn((await search({ symbol: "SOLUSDT.P" })).body)).toEqual([unknown]);
  const { body: page } = await search({ symbol: "xbtusd", limit: "1" });
  expect(idsIn(page)).toEqual([spot]);
  expect(idsIn((await search({ symbol: "XBTUSD", limit: "1", cursor: page.next_cursor })).body)).toEqual([
    alias,
  ]);
});

test("a time may have any form that signals accept", async () => {
  await write(
    logged("1-0", { decided_at: at("10:00:00.000") }),
    logged("2-0", { decided_at: at("11:00:00.000") }),
  );
  const eleven = [
    at("11:00:00Z").slice(0, -1),
    "2026-01-02 11:00:00",
    "2026-01-02T12:00:00+01:00",
    "1767351600",
    "1767351600000",
  ];
  for (const time of eleven) {
    expect(idsIn((await search({ from: time })).body)).toEqual(["2-0"]);
    expect(idsIn((await search({ to: time })).body)).toEqual(["1-0"]);
  }
});

test("pages follow each other until the cursor is null", async () => {
  const ids = Array.from({ length: 120 }, (_, n) => `1000-${n}`);
  await write(...ids.map((id) => logged(id, { outcomes: [routed(10)] })));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { cursor?: string } = cursor === null ? {} : { cursor };
    const { status, body } = await search({ strategy: "10", ...page });
    expect(status).toBe(200);
    seen.push(...idsIn(body));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(seen).toEqual(ids.toReversed());
});

test("a cursor that was changed, made up, or made for another search is refused", async () => {
  await write(...Array.from({ length: 3 }, (_, n) => logged(`${n}-0`)));
  const { next_cursor } = (await search({ symbol: "BTCUSDT", limit: "1" })).body;
  expect((await search({ symbol: "BTCUSDT", limit: "2", cursor: next_cursor })).status).toBe(200);
  // As `cli why --since 2h` and its next page, a moment later.
  const later = { symbol: "BTCUSDT", from: "2026-01-01T00:00:00Z", cursor: next_cursor };
  expect(idsIn((await search(later)).body)).toEqual(["1-0", "0-0"]);
  const key = JSON.parse(Buffer.from(next_cursor, "base64url").toString()) as string[];
  const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString("base64url");
  const bad = [
    "",
    "x",
    `${next_cursor}=`,
    `${next_cursor} `,
    next_cursor.slice(1),
    encoded(null),
    encoded(key.slice(0, 3)),
    encoded(["2026-01-01T00:00:00.000000Z", ...key.slice(1)]),
    encoded(["2026-02-30T00:00:00.000000Z", ...key.slice(1)]),
    encoded([key[0], "1-0'", ...key.slice(2)]),
    encoded([key[0], key[1], "\0", key[3]]),
    "A".repeat(3_000),
  ];
  for (const cursor of bad) {
    expect(await search({ symbol: "BTCUSDT", cursor })).toMatchObject({
      status: 422,
      body: { code: "invalid_request", issues: [{ path: "cursor" }] },
    });
  }
  const other = await search({ symbol: "BTCUSDT", status: "dispatched", cursor: next_cursor });
  expect(other).toMatchObject({
    status: 422,
    body: { issues: [{ message: expect.stringContaining("next_cursor") }] },
  });
});

test("an invalid parameter is refused with what is expected", async () => {
  const refused: readonly [Record<string, string>, RegExp][] = [
    [{ status: "open" }, new RegExp(SIGNAL_STATUSES.join(".*"))],
    [{ reason: "because" }, /unknown_phrase.*shadow/],
    [{ symbol: ".P" }, /ticker symbol/],
    [{ symbol: "x".repeat(2_000) }, /1024/],
    [{ strategy: "ten" }, /number/],
    [{ strategy: "2147483648" }, /2147483647/],
    [{ strategy: "" }, /1/],
    [{ limit: "0" }, /1/],
    [{ limit: "201" }, /200/],
    [{ limit: "1.5" }, /whole number/],
    [{ from: "now" }, /ISO 8601/],
    [{ to: "2026-02-30" }, /ISO 8601/],
    [{ from: "2026-01-02", to: "2026-01-02" }, /after `from`/],
    [{ uid: "x".repeat(263) }, /262/],
    [{ invocation: "" }, /1/],
    [{ symbl: "BTCUSDT" }, /symbl/],
  ];
  for (const [params, message] of refused) {
    const { status, body } = await search(params);
    expect({ params, status, code: body.code }).toEqual({ params, status: 422, code: "invalid_request" });
    expect(JSON.stringify(body.issues)).toMatch(message);
  }
  expect((await http.call("GET", "/signals?status=ignored&status=rejected")).status).toBe(422);
});

test("no text in a search is treated as SQL, and every text is accepted", async () => {
  await write(logged("1-0", { uid: "'; DROP TABLE signal_log; --" }));
  const strange = [
    "'; DROP TABLE signal_log; --",
    "\0",
    "$1",
    "%",
    "\\",
    "{1,2}",
    "\u{10FFFF}\uFFFF",
    "null",
  ];
  for (const text of strange) {
    const { status, body } = await search({ uid: text, symbol: "BTCUSDT", invocation: "live" });
    expect([text, status, body.signals?.length]).toEqual([text, 200, text.includes("DROP") ? 1 : 0]);
    expect((await search({ symbol: text, invocation: text })).status).toBe(200);
  }
  expect((await http.call("GET", "/signals?symbol=%ED%A0%80&invocation=%FF&uid=%00%ED%BF%BF")).status).toBe(
    200,
  );
});

test("a search that takes too long is refused with the advice to narrow it", async () => {
  await http.services.database.readOnly(async (query) => {
    await query("LOCK TABLE signal_log IN ACCESS EXCLUSIVE MODE");
    const hint = expect.stringContaining("from and to");
    expect(await search({})).toMatchObject({ status: 422, body: { code: "search_too_wide", hint } });
  });
}, 30_000);

test("while Postgres is unavailable a search is 503", async () => {
  expect(await callWithoutPostgres(http, "GET", "/signals")).toMatchObject({
    status: 503,
    body: { code: "postgres_unavailable" },
  });
});
