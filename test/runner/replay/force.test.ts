import { describe, expect, test } from "vitest";
import { pause } from "../../../shared/io/reference/control-store.ts";
import { rowsWithStrategies, signalFields, strategyRow, tickerRow } from "../../builders.ts";
import { FORCE, useForcedReplays } from "./force-fixture.ts";
import { replay } from "./replay-fixture.ts";
import { decideAll, routeAll } from "./route-in-process.ts";

const { http, tasks, add, recordedRuns } = useForcedReplays();

describe("a forced replay", () => {
  test("dispatches twice when it is asked for twice, and the record says who, when and why", async () => {
    const ids = await add("a", "b");
    await routeAll(http.services);
    const selection = { kind: "ids", ids } as const;
    const first = await replay(http.services, { ...FORCE, selection });
    const second = await replay(http.services, { ...FORCE, selection, by: "bob", reason: "and again" });
    expect((await tasks()).map(({ log_uid, invocation }) => [log_uid, invocation])).toEqual([
      ["a", "live"],
      ["b", "live"],
      ["a", first.replay.invocation],
      ["b", first.replay.invocation],
      ["a", second.replay.invocation],
      ["b", second.replay.invocation],
    ]);
    expect(first.replay.invocation).not.toBe(second.replay.invocation);
    expect(first.replay.counts).toMatchObject({ selected: 2, dispatched: 2, unchanged: 2, left: 0 });
    const runs = await recordedRuns();
    expect(runs).toMatchObject([
      {
        id: first.replay.invocation,
        requested_by: "ann",
        reason: "the broker lost them",
        selection: { ids },
      },
      { id: second.replay.invocation, requested_by: "bob", reason: "and again" },
    ]);
    for (const run of runs) {
      expect(run).toMatchObject({
        kind: "replay",
        mode: "force",
        finished_at: expect.any(Date),
        counts: { dispatched: 2 },
      });
    }
    const perEntry = await http.sql("SELECT count(*)::int AS n FROM signal_log GROUP BY entry_id");
    expect(perEntry).toEqual([{ n: 3 }, { n: 3 }]);
  });

  test("dispatches a uid once, however many of its entries are chosen", async () => {
    const ids = await add("a", "a", "b", "a");
    await routeAll(http.services);
    const { signals, replay: summary } = await replay(http.services, FORCE);
    expect((await tasks()).map(({ log_uid }) => log_uid)).toEqual(["a", "b", "a", "b"]);
    expect(signals.map(({ decided }) => [decided?.status, decided?.duplicate_of])).toEqual([
      ["dispatched", null],
      ["duplicate", ids[0]],
      ["dispatched", null],
      ["duplicate", ids[0]],
    ]);
    expect(summary.counts).toMatchObject({ dispatched: 2, duplicate: 2 });
  });

  test("is refused while the router may still decide what is chosen", async () => {
    await add("a");
    await routeAll(http.services);
    await add("b");
    const refused = replay(http.services, FORCE, { waitMsMax: 50 });
    await expect(refused).rejects.toMatchObject({ refusal: { code: "undecided_entries" } });
    expect(await tasks()).toHaveLength(1);
  });

  test.each(["dispatched", "ignored"])(
    "is refused without a group while what is chosen is in the stream, also when it was %s",
    async (status) => {
      const { redis, keys } = http.services;
      await http.publish(signalFields({ uid: "a", ...(status === "ignored" ? { symbol: "NEWUSDT" } : {}) }));
      await routeAll(http.services);
      await redis.xgroup("DESTROY", keys.stream("signals_stream"), "signal_processor");
      const before = await tasks();
      await expect(replay(http.services, FORCE)).rejects.toMatchObject({ refusal: { code: "no_group" } });
      expect(await tasks()).toEqual(before);
      expect(await http.sql("SELECT status FROM signal_log")).toEqual([{ status }]);
    },
  );

  test("is refused for what a group that is made later decides, once", async () => {
    const { redis, keys } = http.services;
    const [id = ""] = await add("a", "b");
    await redis.xdel(keys.stream("signals_stream"), id);
    await expect(replay(http.services, FORCE)).rejects.toMatchObject({ refusal: { code: "no_group" } });
    expect(await decideAll(http.services)).toBe(1);
    expect(await tasks()).toMatchObject([{ log_uid: "b", invocation: "live" }]);
  });

  test("minds no age, and its tasks count theirs from its beginning", async () => {
    await http.setReference(rowsWithStrategies([strategyRow(10, { signal_age_ms_max: 1 })]));
    await http.publish(signalFields({ sent_at: "2025-01-15T11:59:59Z" }));
    await routeAll(http.services);
    const { signals } = await replay(http.services, FORCE);
    expect(signals).toMatchObject([
      {
        logged: { reason: "stale" },
        decided: { status: "dispatched" },
        difference: {
          signal: { was: { status: "ignored", reason: "stale" }, now: { status: "dispatched" } },
        },
      },
    ]);
    const [run] = await recordedRuns();
    const startedAt = run?.["started_at"];
    expect(startedAt).toBeInstanceOf(Date);
    expect((await tasks()).map((task) => new Date(task["forced_at"] ?? ""))).toEqual([startedAt]);
  });

  test("does not dispatch what is disabled or paused now", async () => {
    await http.setReference(rowsWithStrategies([10, 11, 12].map((id) => strategyRow(id))));
    await add("a");
    await http.publish(signalFields({ uid: "b", symbol: "ETHUSDT" }));
    await routeAll(http.services);
    await http.setReference(
      rowsWithStrategies([strategyRow(10, { enabled: false }), strategyRow(11), strategyRow(12)], {
        tickers: [tickerRow("BTCUSDT"), tickerRow("ETHUSDT", { status: "disabled" })],
      }),
    );
    await pause(http.services.redis, http.services.keys, 11, { by: "test", at: Date.now() });
    const { signals } = await replay(http.services, FORCE);
    expect(signals[0]?.decided?.outcomes.map(({ reason }) => reason)).toEqual([
      "strategy_disabled",
      "paused",
      null,
    ]);
    expect(signals[1]?.decided).toMatchObject({ status: "ignored", reason: "ticker_disabled" });
  });

  test.each([
    ["a group", false],
    ["none", true],
  ])("works on fields out of the log once the stream is trimmed, with %s", async (_, groupIsLost) => {
    const { redis, keys } = http.services;
    const [id] = await add("a");
    await routeAll(http.services);
    await redis.xtrim(keys.stream("signals_stream"), "MAXLEN", 0);
    if (groupIsLost) await redis.xgroup("DESTROY", keys.stream("signals_stream"), "signal_processor");
    const { signals } = await replay(http.services, FORCE);
    expect(signals).toMatchObject([{ entry_id: id, source: "log", outcome: "applied" }]);
    expect(await tasks()).toMatchObject([{ invocation: "live" }, { entry_id: id, log_uid: "a" }]);
  });

  test("records nothing when nothing is chosen", async () => {
    const { replay: summary } = await replay(http.services, {
      ...FORCE,
      selection: { kind: "ids", ids: ["1-1"] },
    });
    expect(summary).toMatchObject({
      invocation: null,
      not_found: ["1-1"],
      counts: { selected: 0, not_found: 1 },
    });
    expect(await recordedRuns()).toEqual([]);
  });
});
