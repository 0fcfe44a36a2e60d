import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unusableStrategies } from "../../functions/check-strategies.ts";
import { refreshReference, type RefreshContext } from "../../functions/refresh-reference.ts";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import { referenceStoreOn } from "../../shared/io/reference/reference-store.ts";
import { publicReason, refreshFailuresOn } from "../../shared/io/reference/refresh-failures.ts";
import { keysOf } from "../../shared/keys.ts";
import type { RawReferenceRows, ReferenceRows } from "../../shared/reference/reference.ts";
import { NOW, referenceRows, rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../builders.ts";
import { freshPrefix, redisUrl } from "../servers/fixtures.ts";

let redis: Redis;
beforeEach(() => {
  redis = new Redis(redisUrl());
});
afterEach(() => {
  redis.disconnect();
});

/** A source with these rows, and what was saved. */
function sourceOf(rows: RawReferenceRows, saved: string[] = []) {
  return {
    saved,
    load: async () => rows,
    save: async (version: string) => void saved.push(version),
  };
}

describe("refresh-reference, on a real Redis", () => {
  test("the first refresh publishes and saves a version; the same content again does neither", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const source = sourceOf(referenceRows());
    const first = await refreshReference({ source, store, now: () => NOW });
    expect(first).toMatchObject({ state: "published", counts: { tickers: 1, strategies: 1, phrases: 2 } });
    expect(first.events).toEqual([expect.objectContaining({ level: "INFO", source: "refresh-reference" })]);
    const second = await refreshReference({ source, store, now: () => NOW + 5_000 });
    expect(second).toEqual({ ...first, state: "unchanged", events: [] });
    expect(source.saved).toEqual([first.version]);
    expect(await store.load()).toMatchObject({ version: first.version, confirmedAt: NOW + 5_000 });
  });

  test("what a person should know about the reference is reported once per version", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const rows = referenceRows({ signals: [signalRow(1, { short_phrase: "SIGNAL_1_LONG" })] });
    const first = await refreshReference({ source: sourceOf(rows), store, now: () => NOW });
    expect(first.events.map((event) => event.level)).toEqual(["INFO", "ERROR"]);
    expect((await refreshReference({ source: sourceOf(rows), store, now: () => NOW })).events).toEqual([]);
  });

  test("a reference with which nothing can be dispatched is reported, with what it lacks", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const rows = referenceRows({ tickers: [], signals: [], strategy_signals: [] });
    const { events } = await refreshReference({ source: sourceOf(rows), store, now: () => NOW });
    expect(events).toMatchObject([
      { level: "INFO" },
      { level: "WARNING", message: expect.stringContaining("has no tickers and no phrases") },
    ]);
  });

  test("strategies are checked at each refresh, also when the reference is unchanged, and the others go on", async () => {
    const rows = rowsWithStrategies([strategyRow(1, { handler: "webhok" }), strategyRow(2)]);
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const checks = { isSecretSet: () => false, privateAddresses: false, hostFault: () => undefined };
    const elsewhere = { source: sourceOf(rows), now: () => NOW, store };
    const context: RefreshContext = {
      ...elsewhere,
      checkStrategies: (strategies) => unusableStrategies(strategies, HANDLERS, checks),
    };
    for (const state of ["published", "unchanged"]) {
      const answer = await refreshReference(context);
      expect(answer).toMatchObject({ state, unusable: [{ strategyId: 1, reason: "unknown_handler" }] });
      expect(await store.currentVersion()).toBe(answer.version);
    }
    expect((await refreshReference(elsewhere)).unusable).toEqual([]);
  });

  test("rows that cannot be used are named, a few of many, with what is done and what to do", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const bad = Array.from({ length: 3_000 }, (_, n) => ({ ...strategyRow(100 + n), params: [] }));
    const rows = { ...referenceRows(), strategies: [strategyRow(10), ...bad], strategy_tickers: [{}] };
    const context = { source: sourceOf(rows), store, now: () => NOW };
    const { version, events, faults, faultEvents } = await refreshReference(context);
    expect(events.map(({ level, actionNeeded }) => [level, actionNeeded])).toEqual([
      ["INFO", undefined],
      ...Array.from({ length: 6 }, () => ["ERROR", true]),
    ]);
    expect(events[1]?.message).toBe(
      "a row of the reference cannot be used: table strategies, row strategy 100 (100), column params: a list instead of a JSON object that jsonb can hold; the strategy cannot run: its tasks fail as unusable_reference_row. Correct the row in Postgres; it is read again within REFERENCE_REFRESH_MS",
    );
    expect(events[6]?.message).toContain("2997 more values");
    expect(events[6]?.message).toContain("2995 in strategies, 2 in strategy_tickers");
    expect(faults).toMatchObject({ count: 3_002, named: { length: 20 } });
    expect(await store.load()).toMatchObject({ version, faults: { count: 3_002 } });
    const again = await refreshReference(context);
    expect(again).toMatchObject({ state: "unchanged", events: [], faultEvents });
    const mended = { ...context, source: sourceOf({ ...referenceRows(), strategies: [strategyRow(10)] }) };
    expect(await refreshReference(mended)).toMatchObject({ state: "published", faults: { count: 0 } });
    expect((await store.load())?.faults).toEqual({ count: 0, named: [] });
  });

  test("a row that is mended without effect on any decision is no longer reported", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const broken = { ...referenceRows(), strategy_tickers: [{ strategy_id: 10, symbol: null }] };
    const refresh = async (rows: RawReferenceRows) =>
      refreshReference({ source: sourceOf(rows), store, now: () => NOW });
    await refresh(broken);
    const before = await store.load();
    expect(before?.faults.count).toBe(1);
    expect((await refresh(referenceRows())).state).toBe("published");
    const after = await store.load();
    expect(after?.faults.count).toBe(0);
    expect(after?.content).toEqual(before?.content);
    expect((await refresh(broken)).events.map(({ level }) => level)).toEqual(["INFO", "ERROR"]);
  });

  test("a perpetual that becomes a ticker of its own is reported once, as more when it takes a strategy's signals", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const refresh = async (rows: ReferenceRows) =>
      (await refreshReference({ source: sourceOf(rows), store, now: () => NOW })).events.slice(1);
    const listing = strategyRow(10, { use_all_tickers: false });
    const strategy_tickers = [{ strategy_id: 10, symbol: "BTCUSDT" }];
    const tickers = [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P")];
    expect(await refresh(referenceRows())).toEqual([]);
    expect(await refresh(referenceRows({ tickers }))).toMatchObject([
      { level: "WARNING", message: expect.stringContaining("so they are two tickers"), actionNeeded: false },
    ]);
    const rows = referenceRows({ tickers, strategies: [listing], strategy_tickers });
    expect(await refresh(rows)).toEqual([]);
    expect(await refresh(referenceRows())).toEqual([]);
    expect(await refresh(rows)).toMatchObject([
      { message: expect.stringContaining("list BTCUSDT alone"), actionNeeded: true },
    ]);
  });

  test("an alias of no ticker is a WARNING, other aliases that cannot be used are errors", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const ticker_aliases = [
      { alias: "BTCUSDT", symbol: "BTCUSDT" },
      { alias: "XBT", symbol: "NONE" },
    ];
    const rows = referenceRows({ ticker_aliases });
    const { events, faults } = await refreshReference({ source: sourceOf(rows), store, now: () => NOW });
    expect(events.slice(1).map(({ level, actionNeeded }) => [level, actionNeeded])).toEqual([
      ["ERROR", true],
      ["WARNING", true],
    ]);
    expect((await store.load())?.faults).toEqual(faults);
  });

  test("a refresh that fails because of Postgres is counted, one without a connection to Redis is not, and neither hides its error", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const counted: string[] = [];
    const failures = {
      failed: async (error: unknown) => void counted.push(String(error)),
      recovered: async () => void counted.push("recovered"),
    };
    const context = { source: sourceOf(referenceRows()), store, failures, now: () => NOW };
    const failing = async () => Promise.reject(new Error("unavailable"));
    const noLoad = { ...context, source: { ...context.source, load: failing } };
    await expect(refreshReference(noLoad)).rejects.toThrow("unavailable");
    const noSave = { ...context, source: { ...context.source, save: failing } };
    await expect(refreshReference(noSave)).rejects.toThrow("unavailable");
    const noRedis = { ...context, store: { ...store, publish: failing } };
    await expect(refreshReference(noRedis)).rejects.toThrow("unavailable");
    expect(counted).toEqual(["Error: unavailable", "Error: unavailable"]);
    await refreshReference({ ...context, store: { ...store, publish: async () => "refused" } });
    expect(counted).toHaveLength(3);
  });

  test.each([
    ["the ticket is a list", "reference:ticket", async (key: string) => redis.rpush(key, "x")],
    ["the ticket is no number", "reference:ticket", async (key: string) => redis.set(key, "x")],
    [
      "the published ticket is no number",
      "reference:published_ticket",
      async (key: string) => redis.set(key, "x"),
    ],
  ])("a refresh that fails because %s is counted, until it succeeds", async (_, name, spoil) => {
    const keys = keysOf(freshPrefix());
    const failures = refreshFailuresOn(redis, keys);
    const context: RefreshContext = {
      source: sourceOf(referenceRows()),
      store: referenceStoreOn(redis, keys),
      failures: {
        failed: async (error) => failures.failed(publicReason(error)),
        recovered: async () => failures.recovered(),
      },
      now: () => NOW,
    };
    await refreshReference(context);
    await redis.del(keys.prefix + name);
    await spoil(keys.prefix + name);
    for (let n = 0; n < 2; n += 1)
      await expect(refreshReference(context)).rejects.toThrow(/WRONGTYPE|integer|nil/);
    expect(await redis.hgetall(keys.referenceFailures)).toEqual({
      count: "2",
      error: expect.stringMatching(/^a key of Redis cannot be used \((ERR|WRONGTYPE) .*another program/),
    });
    await redis.del(keys.referenceTicket, keys.referencePublishedTicket);
    await refreshReference(context);
    expect(await redis.exists(keys.referenceFailures)).toBe(0);
  });

  test("a refresh that was delayed while another one published cannot bring back what it had read before", async () => {
    const keys = keysOf(freshPrefix());
    const store = referenceStoreOn(redis, keys);
    let goOn: (rows: ReferenceRows) => void = () => undefined;
    const slowRows = new Promise<ReferenceRows>((resolve) => {
      goOn = resolve;
    });
    const slow = refreshReference({
      source: { ...sourceOf(referenceRows()), load: async () => slowRows },
      store,
      now: () => NOW,
    });
    const newer = referenceRows({ tickers: [tickerRow("ETHUSDT")] });
    // The slow one has its ticket already, or this would prove nothing.
    await expect.poll(async () => redis.exists(keys.referenceTicket)).toBe(1);
    const fast = await refreshReference({ source: sourceOf(newer), store, now: () => NOW });
    goOn(referenceRows());
    expect(await slow).toMatchObject({ state: "refused", events: [] });
    expect(await store.currentVersion()).toBe(fast.version);
  });

  test("a source that cannot be read leaves the snapshot as it is", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const { version } = await refreshReference({ source: sourceOf(referenceRows()), store, now: () => NOW });
    const broken = {
      ...sourceOf(referenceRows()),
      load: async () => Promise.reject(new Error("unavailable")),
    };
    await expect(refreshReference({ source: broken, store, now: () => NOW })).rejects.toThrow("unavailable");
    expect(await store.currentVersion()).toBe(version);
  });

  test("a version that cannot be saved is not published", async () => {
    const store = referenceStoreOn(redis, keysOf(freshPrefix()));
    const full = { ...sourceOf(referenceRows()), save: async () => Promise.reject(new Error("disk full")) };
    await expect(refreshReference({ source: full, store, now: () => NOW })).rejects.toThrow("disk full");
    expect(await store.currentVersion()).toBeUndefined();
  });
});
