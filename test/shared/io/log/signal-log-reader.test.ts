import { beforeAll, describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { signalLogReaderOn } from "../../../../shared/io/log/signal-log-reader.ts";
import type { LogRows } from "../../../../shared/log-rows.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, ran, replay, routed } from "./logged.ts";

describe.each(databaseKinds)("the log read from a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  beforeAll(async () => {
    await db.query("INSERT INTO strategies (id, name) VALUES (10, 'Trend follower')");
  });

  async function readerAfter(rows: Partial<LogRows>, shard = freshPrefix()) {
    expect(await logStoreOn(db, shard).write({ ...NO_ROWS, ...rows })).toMatchObject({ status: "stored" });
    return signalLogReaderOn(db, shard);
  }

  it("gives a decision with every field as it was recorded, and its raw fields", async () => {
    const row = logged("5-0", { detail: { age_ms: 12 }, sent_at: at("00:00:00.500"), source: "x" });
    const found = await (await readerAfter({ signals: [row] })).of(["5-0"]);
    const { outcomes: _, raw, ...record } = row.record;
    const now = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(found).toStrictEqual({
      decisions: [
        { ...record, side: null, entry_id: "5-0", invocation: "live", logged_at: now, asked_for: null },
      ],
      outcomes: [],
      raw: new Map([["5-0", raw]]),
      moreDecisionsOf: new Set(),
      moreOutcomes: false,
    });
  });

  it("gives the side of an exit, and finds it by the uid that it brought", async () => {
    const signals = [
      logged("6-0", { uid: "u:long", direction: "flat", side: "long" }),
      logged("5-0", { uid: "u" }),
      logged("7-0", { uid: "u:flat", direction: "flat", side: null }),
      logged("8-0", { uid: "u:other" }),
    ];
    const reader = await readerAfter({ signals });
    expect(await reader.entryIdsOf("u", 10)).toEqual(["5-0", "6-0", "7-0"]);
    expect(await reader.entryIdsOf("u:long", 10)).toEqual(["6-0"]);
    const { decisions } = await reader.of(["6-0", "7-0"]);
    const sides = decisions.map(({ entry_id, direction, side }) => [entry_id, direction, side]);
    expect(new Set(sides)).toEqual(
      new Set([
        ["6-0", "flat", "long"],
        ["7-0", "flat", null],
      ]),
    );
  });

  it("gives the outcomes of each stage, with the names strategies have today", async () => {
    const signals = [
      logged("5-0", { outcomes: [routed(11, { status: "ignored", reason: "paused" }), routed(10)] }),
    ];
    const found = await (
      await readerAfter({ signals, outcomes: [ran("5-0", { detail: { order: 7 } })] })
    ).of(["5-0"]);
    const logged_at = expect.stringMatching(/Z$/) as string;
    const key = { entry_id: "5-0", invocation: "live", part: "", logged_at };
    const decided = {
      stage: "routing",
      detail: {},
      attempt: null,
      duration_ms: null,
      at: at("00:00:02.000"),
    };
    expect(found.outcomes).toStrictEqual([
      { ...key, ...decided, strategy_id: 10, strategy: "Trend follower", status: "dispatched", reason: null },
      {
        ...key,
        strategy_id: 10,
        strategy: "Trend follower",
        stage: "execution",
        status: "executed",
        reason: null,
        detail: { order: 7 },
        attempt: 1,
        duration_ms: 5,
        at: at("00:00:03.000"),
      },
      { ...key, ...decided, strategy_id: 11, strategy: null, status: "ignored", reason: "paused" },
    ]);
  });

  it("gives who requested a manual run and why, also before its end is recorded", async () => {
    const id = crypto.randomUUID();
    const signals = [
      logged("5-0"),
      logged("5-0", { invocation: id, decided_at: at("00:10:01.000") }),
      logged("5-0", { invocation: "not recorded", decided_at: at("00:11:00.000") }),
    ];
    const { decisions } = await (await readerAfter({ signals, invocations: [replay(id)] })).of(["5-0"]);
    expect(decisions.map(({ invocation, asked_for }) => ({ invocation, asked_for }))).toStrictEqual([
      { invocation: "not recorded", asked_for: null },
      {
        invocation: id,
        asked_for: {
          kind: "replay",
          mode: "force",
          requested_by: "ann",
          reason: "the broker was down",
          started_at: at("00:10:00.000"),
          finished_at: null,
        },
      },
      { invocation: "live", asked_for: null },
    ]);
  });

  it("gives the live decision and the newest others when there are very many, and says so", async () => {
    const others = Array.from({ length: 60 }, (_, n) =>
      logged("5-0", { invocation: `run ${n}`, decided_at: new Date(Date.UTC(2026, 0, 3) + n).toISOString() }),
    );
    const reader = await readerAfter({ signals: [logged("5-0"), ...others, logged("6-0")] });
    const { decisions, moreDecisionsOf } = await reader.of(["5-0", "6-0"]);
    const ofFirst = decisions
      .filter(({ entry_id }) => entry_id === "5-0")
      .map(({ invocation }) => invocation);
    expect(ofFirst).toEqual([...Array.from({ length: 49 }, (_, n) => `run ${59 - n}`), "live"]);
    expect(moreDecisionsOf).toEqual(new Set(["5-0"]));
  });

  it("gives a limited number of outcomes, the live ones first, and says so", async () => {
    const strategies = Array.from({ length: 3_000 }, (_, n) => routed(n + 1));
    const signals = [
      logged("5-0", { invocation: "a run", outcomes: strategies }),
      logged("5-0", { outcomes: strategies }),
    ];
    const { outcomes, moreOutcomes } = await (await readerAfter({ signals })).of(["5-0"]);
    expect(moreOutcomes).toBe(true);
    expect(outcomes).toHaveLength(5_000);
    expect(outcomes.filter(({ invocation }) => invocation === "live")).toHaveLength(3_000);
  });

  it("does not mix entries or shards", async () => {
    const reader = await readerAfter({ signals: [logged("5-0", { raw: { of: "this" } })] });
    await readerAfter({
      signals: [logged("5-0"), logged("6-0", { uid: "uid of 5-0" })],
      outcomes: [ran("5-0")],
    });
    const { decisions, outcomes, raw } = await reader.of(["5-0", "6-0"]);
    expect({ decisions: decisions.length, outcomes, raw: [...raw] }).toEqual({
      decisions: 1,
      outcomes: [],
      raw: [["5-0", { of: "this" }]],
    });
    expect(await reader.entryIdsOf("uid of 5-0", 10)).toEqual(["5-0"]);
    expect(await reader.of([])).toMatchObject({ decisions: [], outcomes: [], moreOutcomes: false });
  });

  it("finds the entries of a uid with any characters, by age and not by alphabet, each once", async () => {
    const uid = `it's 100% "a\\b" {1,2} $1 ünï\n; DROP TABLE signal_log`;
    const ids = ["1000-10", "1000-9", "999-0", "20000-0"];
    const again = logged("999-0", { uid, invocation: "again" });
    const reader = await readerAfter({
      signals: [again, ...ids.map((id) => logged(id, { uid })), logged("7-0")],
    });
    expect(await reader.entryIdsOf(uid, 10)).toEqual(["999-0", "1000-9", "1000-10", "20000-0"]);
    expect(await reader.entryIdsOf(uid, 2)).toEqual(["999-0", "1000-9"]);
    expect(await reader.entryIdsOf("%", 10)).toEqual([]);
  });
});
