import { describe, expect, test } from "vitest";
import { prepareReplay, type Replay } from "../../../runner/replay/replay.ts";
import type { ReplayedSignal } from "../../../runner/replay/replayed-signal.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import { pause } from "../../../shared/io/reference/control-store.ts";
import { createGroup } from "../../../shared/io/streams/groups.ts";
import { signalFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp } from "../http/http-fixture.ts";
import { ALL, everything, replay, servicesBeside, type Replayed } from "./replay-fixture.ts";
import { decideAll, logAll, routeAll, skipAll } from "./route-in-process.ts";

const http = useHttpApp();

const missing = async (services: Services = http.services, waitMsMax = 0): Promise<Replayed> =>
  replay(services, { mode: "missing", by: "ann", reason: "a group was set back" }, { waitMsMax });
const refusal = async (): Promise<unknown> =>
  missing().catch((error: unknown) => (error as { refusal?: { code: string } }).refusal?.code ?? error);
const tasks = async () => fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream"));
const decisionsByEntry = async () =>
  http.sql("SELECT entry_id, count(*)::int AS n FROM signal_log GROUP BY 1 ORDER BY 1");

/** Signals with these uids; the group continues after them, as if they had been decided. */
async function skip(...uids: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const uid of uids) ids.push(await http.publish(signalFields({ uid })));
  await skipAll(http.services);
  return ids;
}

describe("looking for what is missing", () => {
  test("decides exactly what was skipped, and records who asked for it, when, why and what came of it", async () => {
    await http.publish(signalFields({ uid: "a" }));
    await routeAll(http.services);
    const skipped = await skip("b", "c", "a");
    await http.publish(signalFields({ uid: "d" }));
    await routeAll(http.services);
    const { replay: summary, signals } = await missing();
    expect(signals).toMatchObject([
      { entry_id: skipped[0], uid: "b", logged: null, decided: { status: "dispatched" }, outcome: "applied" },
      { entry_id: skipped[1], uid: "c", logged: null, decided: { status: "dispatched" }, outcome: "applied" },
      { entry_id: skipped[2], uid: "a", outcome: "duplicate", decided: { status: "duplicate" } },
    ]);
    expect(summary.counts).toMatchObject({
      selected: 5,
      decided_before: 2,
      dispatched: 2,
      duplicate: 1,
      left: 0,
    });
    expect((await tasks()).map(({ log_uid, invocation }) => [log_uid, invocation])).toEqual([
      ["a", "live"],
      ["d", "live"],
      ["b", summary.invocation],
      ["c", summary.invocation],
    ]);
    await logAll(http.services);
    const [duplicate] = await http.sql("SELECT duplicate_of FROM signal_log WHERE status = 'duplicate'");
    expect(signals[2]?.decided?.duplicate_of).toBe(duplicate?.["duplicate_of"]);
    expect(await decisionsByEntry()).toHaveLength(5);
    expect(await http.sql("SELECT * FROM invocations WHERE finished_at >= started_at")).toMatchObject([
      {
        id: summary.invocation,
        kind: "replay",
        mode: "missing",
        requested_by: "ann",
        reason: "a group was set back",
        selection: { from: "0-1" },
        counts: { selected: 5, dispatched: 2, duplicate: 1, decided_before: 2 },
      },
    ]);
  });

  test("finds nothing the second time, and then records nothing", async () => {
    await skip("a");
    await missing();
    await logAll(http.services);
    const before = await everything(http);
    const again = await missing();
    expect(again).toMatchObject({ signals: [], replay: { invocation: null, counts: { decided_before: 1 } } });
    expect(await everything(http)).toEqual(before);
  });

  test("decides with the age and the pauses of now", async () => {
    await skip("a");
    await pause(http.services.redis, http.services.keys, undefined, { by: "test", at: Date.now() });
    http.services.routing.invalidate();
    const old = await http.publish(signalFields({ uid: "b", sent_at: "2025-01-15T11:59:59Z" }));
    await skip();
    const { signals } = await missing();
    expect(signals).toMatchObject([
      { decided: { status: "ignored", reason: "paused" } },
      { entry_id: old, decided: { status: "ignored", reason: "stale" } },
    ]);
  });

  test("does it once, however many replays run at once, also where no uid is claimed", async () => {
    const uids = Array.from({ length: 300 }, (_, n) => `uid ${n}`);
    await skip(...uids);
    for (let n = 0; n < 20; n += 1)
      await http.publish(signalFields({ uid: `other ${n}`, symbol: "NEWUSDT" }));
    await skip();
    const others = [1, 2].map(() => servicesBeside(http.services, {}, http.services.keys.prefix));
    const run = async (prepared: Replay): Promise<ReplayedSignal[]> => {
      const signals: ReplayedSignal[] = [];
      for await (const batch of prepared.run()) signals.push(...batch);
      return signals;
    };
    try {
      const request = {
        selection: ALL,
        mode: "missing",
        snapshot: "current",
        by: null,
        reason: null,
        dryRun: false,
        strategies: null,
        invocation: null,
      } as const;
      const prepared: Replay[] = [];
      for (const services of [http.services, ...others])
        prepared.push(await prepareReplay(request, services));
      const signals = (await Promise.all(prepared.map(run))).flat();
      expect(signals).toHaveLength(960);
      expect(signals.filter(({ outcome }) => outcome === "applied")).toHaveLength(320);
      expect(signals.filter(({ outcome }) => outcome === "fenced")).toHaveLength(640);
    } finally {
      for (const services of others) services.close();
    }
    expect(await tasks()).toHaveLength(300);
    await logAll(http.services);
    expect((await decisionsByEntry()).filter(({ n }) => n !== 1)).toEqual([]);
  });

  test("leaves dead letters to be retried, and names them", async () => {
    const { redis, keys } = http.services;
    const [given = "", lost = "", open = ""] = await skip("given up", "record given up", "open");
    const dead = { status: "dead", reason: "r", error: "e" } as const;
    const origin = { deliveries: 5, at: Date.now() } as const;
    const letters: string[] = [];
    for (const [entry, stream, functionName] of [
      [{ id: given, fields: signalFields() }, "signals_stream", "process-signals"],
      [{ id: "9-9", fields: { kind: "signal", entry_id: lost } }, "signal_results", "persist-log"],
      [{ id: "9-8", fields: { kind: "outcome", entry_id: open } }, "signal_results", "persist-log"],
    ] as const) {
      const effects = deadLetterEffects(
        entry,
        { id: entry.id, ...dead },
        { ...origin, stream, functionName },
      );
      const fields = Object.entries(effects.append[0]?.fields ?? {}).flat();
      letters.push(String(await redis.xadd(keys.stream("dead_letters"), "*", ...fields)));
    }
    await redis.xadd(keys.stream("dead_letters"), "*", "note", "not of the router");
    const { replay: summary, signals } = await missing();
    expect(signals).toMatchObject([
      { entry_id: given, dead_letter: letters[0], decided: null, difference: null },
      { entry_id: lost, dead_letter: letters[1], decided: null },
      { entry_id: open, decided: { status: "dispatched" }, outcome: "applied" },
    ]);
    expect(summary.counts).toMatchObject({ selected: 3, dead_letter: 2, dispatched: 1, left: 0 });
    expect((await tasks()).map(({ log_uid }) => log_uid)).toEqual(["open"]);
  });

  test("says of an entry whose uid it holds already that nothing was dispatched again", async () => {
    const { redis, keys } = http.services;
    const [id = ""] = await skip("a");
    await redis.set(keys.dedup("a"), id);
    const { replay: summary, signals } = await missing();
    expect(signals).toMatchObject([
      { outcome: "held", decided: null, note: expect.stringContaining("already been dispatched") },
    ]);
    expect(summary.counts).toMatchObject({ held: 1, dispatched: 0, left: 0 });
    expect(await tasks()).toEqual([]);
  });
});

describe("what is missing cannot be known", () => {
  test("while an entry has not been delivered", async () => {
    await skip("a");
    await http.publish(signalFields({ uid: "b" }));
    expect(await refusal()).toBe("undecided_entries");
  });

  test("while an entry is pending", async () => {
    const { redis, keys } = http.services;
    await skip();
    await http.publish(signalFields({ uid: "b" }));
    await redis.xreadgroup("GROUP", "signal_processor", "x", "STREAMS", keys.stream("signals_stream"), ">");
    expect(await refusal()).toBe("undecided_entries");
  });

  test("while a record has not been delivered to log_writer, or is pending there, or it has no such group", async () => {
    const { redis, keys } = http.services;
    await http.publish(signalFields({ uid: "a" }));
    await decideAll(http.services);
    expect(await refusal()).toBe("log_behind");
    await createGroup(redis, keys, { stream: "signal_results", group: "log_writer", from: "0" });
    expect(await refusal()).toBe("log_behind");
    await redis.xreadgroup("GROUP", "log_writer", "x", "STREAMS", keys.stream("signal_results"), ">");
    expect(await refusal()).toBe("log_behind");
  });

  test("without a group signal_processor", async () => {
    await http.publish(signalFields({ uid: "a" }));
    expect(await refusal()).toBe("no_group");
  });

  test("among entries whose rows may have been removed", async () => {
    const days = servicesBeside(http.services, { LOG_RETENTION_DAYS: "1" }, http.services.keys.prefix);
    try {
      const { redis, keys } = http.services;
      await redis.xadd(keys.stream("signals_stream"), "17-0", ...Object.entries(signalFields()).flat());
      await skip("a");
      await expect(missing(days)).rejects.toThrow(
        /^entry 17-0 has no row .* older than LOG_RETENTION_DAYS \(1\)/,
      );
    } finally {
      days.close();
    }
  });

  test("and then nothing is done", async () => {
    await skip("a");
    await http.publish(signalFields({ uid: "b" }));
    const before = await everything(http);
    expect(await refusal()).toBe("undecided_entries");
    expect(await everything(http)).toEqual(before);
  });

  test("until that is over, which is waited for", async () => {
    const [id] = await skip("a");
    await http.publish(signalFields({ uid: "b" }));
    const asked = missing(http.services, 20_000);
    await decideAll(http.services);
    await logAll(http.services);
    expect((await asked).signals.map(({ entry_id }) => entry_id)).toEqual([id]);
  });

  test("for entries that have been decided it does not matter", async () => {
    await http.publish(signalFields({ uid: "a" }));
    await routeAll(http.services);
    const { redis, keys } = http.services;
    await redis.xgroup("SETID", keys.stream("signals_stream"), "signal_processor", "0");
    expect((await missing()).replay.counts).toMatchObject({ selected: 1, decided_before: 1 });
  });
});
