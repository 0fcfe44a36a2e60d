import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, routed, rowsIn } from "./logged.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);

  it("reports rows that were stored with another uid, does not change them, and stores the others", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    await log.write({ ...NO_ROWS, signals: [logged("1-0"), logged("2-0", { uid: null }), logged("3-0")] });
    const signals = ["1-0", "2-0", "3-0", "4-0"].map((entryId) => logged(entryId, { uid: "new" }));
    const answer = await log.write({
      ...NO_ROWS,
      signals: [...signals.slice(0, 2), logged("3-0"), ...signals.slice(3)],
    });
    expect(answer).toStrictEqual({
      status: "stored",
      conflicts: expect.arrayContaining([
        { entryId: "1-0", invocation: "live", storedUid: "uid of 1-0", storedStatus: "dispatched" },
        { entryId: "2-0", invocation: "live", storedUid: null, storedStatus: "dispatched" },
      ]),
      unmatched: [],
    });
    expect(answer).toHaveProperty("conflicts.length", 2);
    expect(await rowsIn(db, "signal_log", shard)).toMatchObject([
      { uid: "uid of 1-0" },
      { uid: null },
      { uid: "uid of 3-0" },
      { uid: "new" },
    ]);
  });

  it("reports two uids under one key also within one batch", async () => {
    const shard = freshPrefix();
    const signals = [logged("1-0", { uid: "a" }), logged("1-0", { uid: "b" })];
    expect(await logStoreOn(db, shard).write({ ...NO_ROWS, signals })).toStrictEqual({
      status: "stored",
      conflicts: [{ entryId: "1-0", invocation: "live", storedUid: "a", storedStatus: "dispatched" }],
      unmatched: [],
    });
  });

  /** The stored outcomes, as `entry: strategy`. */
  const strategies = async (shard: string) => {
    const rows = await db.query<{ entry: string }>(
      `SELECT entry_id || ': ' || strategy_id AS entry FROM signal_log_entries WHERE shard = $1 ORDER BY entry`,
      [shard],
    );
    return rows.map(({ entry }) => entry);
  };
  const decidedFor = (strategyIds: readonly number[]) => ({ outcomes: strategyIds.map((id) => routed(id)) });

  it.each([
    { what: "another uid", stored: { uid: "a" }, given: { uid: "b" } },
    { what: "no uid", stored: { uid: null }, given: { uid: "b" } },
    { what: "another status", stored: { status: "ignored" }, given: { status: "dispatched" } },
  ] as const)("adds no strategies of another decision to a row with $what", async ({ stored, given }) => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    await log.write({ ...NO_ROWS, signals: [logged("1-0", stored)] });
    const signals = [logged("1-0", { ...given, ...decidedFor([7, 9]) }), logged("2-0", decidedFor([8]))];
    for (let times = 0; times < 2; times += 1) {
      expect(await log.write({ ...NO_ROWS, signals })).toHaveProperty("conflicts.length", 1);
      expect(await strategies(shard)).toStrictEqual(["2-0: 8"]);
    }
  });

  it("stores only the first of two decisions on one entry in one batch, with its own strategies", async () => {
    for (const [first, second] of [
      [{ uid: "a" }, { uid: "b" }],
      [{ uid: "b" }, { uid: "a" }],
      [{ uid: "a" }, { uid: null }],
      [{ status: "dispatched" }, { status: "ignored" }],
    ] as const) {
      const shard = freshPrefix();
      const signals = [
        logged("2-0", decidedFor([5])),
        logged("1-0", { ...first, ...decidedFor([7, 8]) }),
        logged("1-0", { ...second, ...decidedFor([8, 9]) }),
      ];
      for (let times = 0; times < 2; times += 1) {
        const answer = await logStoreOn(db, shard).write({ ...NO_ROWS, signals });
        expect(answer).toHaveProperty("conflicts.length", 1);
        expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "2-0: 5"]);
      }
    }
  });

  it("adds strategies to a signal that was stored without them, beside a conflict", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const bare = ["1-0", "2-0", "3-0"].map((entryId) => logged(entryId, { uid: null }));
    await log.write({ ...NO_ROWS, signals: bare });
    const routing = { status: "ignored", reason: "paused", detail: { by: "op" } } as const;
    const signals = [
      logged("1-0", { uid: null, outcomes: [routed(7, routing), routed(8, routing)] }),
      logged("2-0", { uid: "other", ...decidedFor([7]) }),
      logged("3-0", { uid: null, ...decidedFor([]) }),
      logged("4-0", { outcomes: [routed(9, routing)] }),
    ];
    expect(await log.write({ ...NO_ROWS, signals })).toHaveProperty("conflicts.length", 1);
    expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "4-0: 9"]);
    expect(
      await db.query(
        "SELECT DISTINCT stage, status, reason, detail, at FROM signal_log_entries WHERE shard = $1",
        [shard],
      ),
    ).toStrictEqual([{ stage: "routing", ...routing, at: new Date(at("00:00:02.000")) }]);
  });

  it("stores a row that was deleted before the conflict was read", async () => {
    const shard = freshPrefix();
    const signals = [logged("1-0", { uid: "new" })];
    await logStoreOn(db, shard).write({ ...NO_ROWS, signals: [logged("1-0", { uid: "old" })] });
    let statements = 0;
    const losing: Database["query"] = async (sql, params) => {
      // The first statement finds that the row exists; the second reads it.
      if ((statements += 1) === 2) await db.query("DELETE FROM signal_log WHERE shard = $1", [shard]);
      return db.query(sql, params);
    };
    const answer = await logStoreOn({ ...db, query: losing }, shard).write({ ...NO_ROWS, signals });
    expect(answer).toStrictEqual({ status: "stored", conflicts: [], unmatched: [] });
    expect(await rowsIn(db, "signal_log", shard)).toMatchObject([{ uid: "new" }]);
  });
});

describe.each(databaseKinds.filter(({ kind }) => kind === "pg"))("two writers on one log", (database) => {
  const db = migratedDatabase(database);

  it("report the conflict also when the other one has not committed yet, in any order of rows", async () => {
    const signals = Array.from({ length: 2_000 }, (_, i) => `${i}-0`);
    const write = (uid: string, order: readonly string[]) =>
      logStoreOn(db, "").write({ ...NO_ROWS, signals: order.map((entryId) => logged(entryId, { uid })) });
    const answers = await Promise.all([
      write("a", signals),
      write("b", signals.toReversed()),
      write("c", signals),
    ]);
    expect(answers).toMatchObject(answers.map(() => ({ status: "stored" })));
    // Each row was stored once and is a conflict for the two others.
    const conflicts = answers.flatMap((answer) => (answer.status === "stored" ? answer.conflicts : []));
    expect(conflicts).toHaveLength(2 * signals.length);
  });
});
