import { describe, expect, test } from "vitest";
import { ReplayRefused, type ReplaySelection } from "../../../runner/replay/request.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import { referenceRows, rowsWithStrategies, signalFields, strategyRow, tickerRow } from "../../builders.ts";
import { asRead, mixedReference, mixedSignal } from "../../mixed-signals.ts";
import { useHttpApp } from "../http/http-fixture.ts";
import { ALL, everything, publishReference, replay } from "./replay-fixture.ts";
import { decideAll, logAll, routeAll } from "./route-in-process.ts";

const http = useHttpApp();

const two = rowsWithStrategies([strategyRow(10), strategyRow(11)]);
const fresh = (uid: string) => signalFields({ uid });

describe("a dry run on the current snapshot", () => {
  test("shows just what switching allow_open off changes", async () => {
    const now = Date.now();
    await http.setReference(mixedReference());
    for (let i = 0; i < 100; i += 1) await http.publish(asRead(mixedSignal(i, now)));
    await routeAll(http.services);
    const strategies = mixedReference().strategies.map((row) =>
      row.id === 10 ? { ...row, allow_open: false } : row,
    );
    await http.setReference({ ...mixedReference(), strategies });
    const { replay: summary, signals } = await replay(http.services);
    const changed = signals.filter(({ difference }) => (difference?.strategies.length ?? 0) > 0);
    const dispatchedTo10 = signals.filter(({ logged }) =>
      logged?.outcomes.some((outcome) => outcome.strategy_id === 10 && outcome.reason === null),
    );
    const duplicatesOf10 = signals.filter(({ logged }) =>
      logged?.outcomes.some((outcome) => outcome.strategy_id === 10 && outcome.reason === "duplicate_uid"),
    );
    expect(dispatchedTo10.length).toBeGreaterThan(0);
    expect(changed).toHaveLength(dispatchedTo10.length + duplicatesOf10.length);
    expect(summary.counts).toMatchObject({ selected: 100, changed: changed.length });
    for (const { logged, difference } of changed) {
      const was =
        logged?.status === "duplicate"
          ? { status: "ignored", reason: "duplicate_uid" }
          : { status: "dispatched", reason: null };
      const now10 = { status: "ignored", reason: "open_not_allowed" };
      expect(difference).toEqual({
        signal: null,
        strategies: [{ strategy_id: 10, strategy: "strategy 10", was, now: now10 }],
      });
    }
  });

  test("shows strategies that have come and gone, by name where it is known", async () => {
    await http.setReference(two);
    await http.publish(fresh("a"));
    await routeAll(http.services);
    await http.setReference(rowsWithStrategies([strategyRow(11), strategyRow(12, { name: "third" })]));
    const { signals } = await replay(http.services);
    const dispatched = { status: "dispatched", reason: null };
    expect(signals[0]?.difference).toEqual({
      signal: null,
      strategies: [
        { strategy_id: 10, strategy: null, was: dispatched, now: null },
        { strategy_id: 12, strategy: "third", was: null, now: dispatched },
      ],
    });
    expect(signals[0]?.logged?.outcomes.map(({ strategy }) => strategy)).toEqual([null, "strategy 11"]);
  });

  test("lets everything else be as it was logged: time, pauses, duplicates", async () => {
    await http.setReference(two);
    const { redis, keys, routing } = http.services;
    const first = await http.publish(fresh("a"));
    await http.publish(fresh("a"));
    await routeAll(http.services);
    await pause(redis, keys, 10, { by: "test", at: Date.now() });
    routing.invalidate();
    await http.publish(fresh("b"));
    await routeAll(http.services);
    await resume(redis, keys, 10);
    await publishReference(
      http.services,
      rowsWithStrategies([strategyRow(10), strategyRow(11), strategyRow(12, { signal_age_ms_max: 1 })]),
    );
    await http.sql("UPDATE signal_log SET decided_at = decided_at + interval '10 s' WHERE uid = 'b'");
    const { signals } = await replay(http.services);
    expect(signals.map(({ decided }) => [decided?.status, decided?.duplicate_of])).toEqual([
      ["dispatched", null],
      ["duplicate", first],
      ["dispatched", null],
    ]);
    expect(signals[2]?.decided?.decided_at).toBe(signals[2]?.logged?.decided_at);
    expect(signals[2]?.decided?.outcomes.map(({ strategy_id, reason }) => [strategy_id, reason])).toEqual([
      [10, "paused"],
      [11, null],
      [12, "stale"],
    ]);
  });

  test("takes a duplicate for one also when the entry that was dispatched is not chosen", async () => {
    const first = await http.publish(fresh("a"));
    const again = await http.publish(fresh("a"));
    await routeAll(http.services);
    const { signals } = await replay(http.services, { selection: { kind: "ids", ids: [again] } });
    expect(signals).toMatchObject([{ decided: { status: "duplicate", duplicate_of: first } }]);
    expect(signals[0]?.decided).toStrictEqual(signals[0]?.logged);
  });

  test("makes a signal that is only now dispatched the duplicate of one dispatched before it in the replay", async () => {
    await http.setReference({ ...two, tickers: [tickerRow("BTCUSDT", { status: "disabled" })] });
    const first = await http.publish(fresh("a"));
    await http.publish(fresh("a"));
    await http.publish(fresh("b"));
    await routeAll(http.services);
    await http.setReference(two);
    const { replay: summary, signals } = await replay(http.services);
    expect(signals.map(({ decided }) => [decided?.status, decided?.duplicate_of])).toEqual([
      ["dispatched", null],
      ["duplicate", first],
      ["dispatched", null],
    ]);
    expect(signals[1]?.decided?.outcomes.map(({ reason }) => reason)).toEqual([
      "duplicate_uid",
      "duplicate_uid",
    ]);
    expect(summary.counts).toMatchObject({ dispatched: 2, duplicate: 1, changed: 3 });
  });

  test("decides what never was as things are now, and says so", async () => {
    await http.setReference(two);
    const { redis, keys } = http.services;
    const holder = await http.publish(fresh("a"));
    await decideAll(http.services);
    const [again, other] = [await http.publish(fresh("a")), await http.publish(fresh("c"))];
    await pause(redis, keys, 11, { by: "test", at: Date.now() });
    for (const snapshot of ["current", "logged"]) {
      const { replay: summary, signals } = await replay(http.services, { snapshot });
      expect(signals.map(({ entry_id }) => entry_id)).toEqual([holder, again, other]);
      expect(signals).toMatchObject([
        {
          logged: null,
          decided: { status: "dispatched" },
          note: expect.stringContaining("as things are now"),
        },
        { logged: null, decided: { status: "duplicate", duplicate_of: holder } },
        { difference: { signal: { was: null, now: { status: "dispatched" } } } },
      ]);
      expect(signals[2]?.decided?.outcomes.map(({ reason }) => reason)).toEqual([null, "paused"]);
      expect(summary.counts).toMatchObject({ never_decided: 3, changed: 0, unchanged: 0 });
    }
  });
});

describe("a dry run on a version", () => {
  test("decides on that one, be it current or past", async () => {
    await http.publish(fresh("a"));
    await routeAll(http.services);
    const past = String(await http.services.referenceStore.currentVersion());
    await http.setReference(referenceRows({ tickers: [] }));
    const current = String(await http.services.referenceStore.currentVersion());
    const [onPast, onCurrent] = [
      await replay(http.services, { snapshot: past }),
      await replay(http.services, { snapshot: current }),
    ];
    expect(onPast.signals).toMatchObject([{ decided: { status: "dispatched", snapshot: past } }]);
    expect(onCurrent.signals).toMatchObject([{ decided: { reason: "unknown_ticker", snapshot: current } }]);
  });

  test.each(["0123456789abcdef", "yesterday", "\0"])(
    "refuses one that is not there: %j",
    async (snapshot) => {
      await expect(replay(http.services, { snapshot })).rejects.toThrow(ReplayRefused);
    },
  );

  test("names the row of one that cannot be read", async () => {
    await http.sql(`INSERT INTO reference_snapshots VALUES ('odd', now(), '{"tickers": {"A": {}}}')`);
    await expect(replay(http.services, { snapshot: "odd" })).rejects.toThrow(
      /^table reference_snapshots, row with version odd, column content: tickers\.0\.1\.status/,
    );
  });
});

test("without a current snapshot nothing is decided on it, but on logged ones", async () => {
  await http.publish(fresh("a"));
  await routeAll(http.services);
  await http.services.redis.del(http.services.keys.referenceCurrent);
  await http.publish(fresh("b"));
  await expect(replay(http.services)).rejects.toThrow("there is no usable reference snapshot in Redis");
  const { signals, replay: summary } = await replay(http.services, { snapshot: "logged" });
  expect(signals).toMatchObject([{ decided: { status: "dispatched" } }, { decided: null }]);
  expect(summary.counts).toMatchObject({ unchanged: 1, undecidable: 1 });
});

test("a dry run of whatever kind changes no key and no row", async () => {
  const now = Date.now();
  await http.setReference(mixedReference());
  for (let i = 0; i < 60; i += 1) await http.publish(asRead(mixedSignal(i, now)));
  await decideAll(http.services);
  await logAll(http.services);
  for (let i = 60; i < 80; i += 1) await http.publish(asRead(mixedSignal(i, now)));
  await http.services.redis.xtrim(http.services.keys.stream("signals_stream"), "MAXLEN", 50);
  const version = String(await http.services.referenceStore.currentVersion());
  const before = await everything(http);
  for (const snapshot of ["current", "logged", version]) {
    await replay(http.services, { snapshot, by: "ann", reason: "to see" });
    await replay(http.services, { snapshot, selection: { kind: "uids", uids: ["given-0", "nobody"] } });
    await replay(http.services, { snapshot, selection: { kind: "ids", ids: ["1-1", "2-2"] } });
  }
  expect(await everything(http)).toEqual(before);
});

test("more signals than a replay takes are refused, wherever they are", async () => {
  const { redis, keys } = http.services;
  for (const uid of ["a", "b", "c"]) await http.publish(fresh(uid));
  const refused = { refusal: { kind: "invalid", code: "range_too_large" } };
  const uids = { kind: "uids", uids: ["a", "b", "c"] } as const;
  const chosen = async (signalsMax: number, selection: ReplaySelection = ALL) =>
    (await replay(http.services, { selection }, { signalsMax })).signals.length;
  for (const place of ["stream", "log"]) {
    expect([await chosen(3), await chosen(3, uids)]).toEqual([3, 3]);
    await expect(chosen(2)).rejects.toMatchObject(refused);
    await expect(chosen(2, uids)).rejects.toMatchObject(refused);
    if (place === "log") break;
    await routeAll(http.services);
    await redis.xtrim(keys.stream("signals_stream"), "MAXLEN", 0);
  }
});
