import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds } from "../postgres/databases.ts";
import { AT, NOTHING, ROUTED, signal, useLogDatabase } from "./log-store-fixture.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", ({ create }) => {
  const database = useLogDatabase(create);
  const { stored } = database;

  it("reports rows that were there for another uid, keeps those, and stores the others", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(database.db, shard);
    await log.write({ ...NOTHING, signals: [signal("1-0"), signal("2-0", { uid: null }), signal("3-0")] });
    const signals = ["1-0", "2-0", "3-0", "4-0"].map((entryId) => signal(entryId, { uid: "new" }));
    const answer = await log.write({
      ...NOTHING,
      signals: [...signals.slice(0, 2), signal("3-0"), ...signals.slice(3)],
    });
    expect(answer).toStrictEqual({
      status: "stored",
      conflicts: expect.arrayContaining([
        { entryId: "1-0", invocation: "live", storedUid: "uid of 1-0", storedStatus: "dispatched" },
        { entryId: "2-0", invocation: "live", storedUid: null, storedStatus: "dispatched" },
      ]),
    });
    expect(answer).toHaveProperty("conflicts.length", 2);
    expect(await stored("signal_log", shard)).toMatchObject([
      { uid: "uid of 1-0" },
      { uid: null },
      { uid: "uid of 3-0" },
      { uid: "new" },
    ]);
  });

  it("reports two uids under one key also when both come at once", async () => {
    const shard = freshPrefix();
    const signals = [signal("1-0", { uid: "a" }), signal("1-0", { uid: "b" })];
    expect(await logStoreOn(database.db, shard).write({ ...NOTHING, signals })).toStrictEqual({
      status: "stored",
      conflicts: [{ entryId: "1-0", invocation: "live", storedUid: "a", storedStatus: "dispatched" }],
    });
  });

  /** The strategies that something is stored for, as `entry: strategy`. */
  const strategies = async (shard: string) => {
    const rows = await database.db.query<{ entry: string }>(
      `SELECT entry_id || ': ' || strategy_id AS entry FROM signal_log_entries WHERE shard = $1 ORDER BY entry`,
      [shard],
    );
    return rows.map(({ entry }) => entry);
  };
  const decidedFor = (strategyIds: readonly number[]) => ({
    outcomes: strategyIds.map((strategy_id) => ({ ...ROUTED, strategy_id })),
  });

  it.each([
    { what: "another uid", stored: { uid: "a" }, given: { uid: "b" } },
    { what: "no uid", stored: { uid: null }, given: { uid: "b" } },
    { what: "another status", stored: { status: "ignored" }, given: { status: "dispatched" } },
  ] as const)(
    "gives a row with $what no strategies that were not its own",
    async ({ stored: old, given }) => {
      const shard = freshPrefix();
      const log = logStoreOn(database.db, shard);
      await log.write({ ...NOTHING, signals: [signal("1-0", old)] });
      const signals = [signal("1-0", { ...given, ...decidedFor([7, 9]) }), signal("2-0", decidedFor([8]))];
      for (let times = 0; times < 2; times += 1) {
        expect(await log.write({ ...NOTHING, signals })).toHaveProperty("conflicts.length", 1);
        expect(await strategies(shard)).toStrictEqual(["2-0: 8"]);
      }
    },
  );

  it("gives the first of two decisions on one entry in one batch its own strategies only", async () => {
    for (const [first, second] of [
      [{ uid: "a" }, { uid: "b" }],
      [{ uid: "b" }, { uid: "a" }],
      [{ uid: "a" }, { uid: null }],
      [{ status: "dispatched" }, { status: "ignored" }],
    ] as const) {
      const shard = freshPrefix();
      const signals = [
        signal("2-0", decidedFor([5])),
        signal("1-0", { ...first, ...decidedFor([7, 8]) }),
        signal("1-0", { ...second, ...decidedFor([8, 9]) }),
      ];
      for (let times = 0; times < 2; times += 1) {
        const answer = await logStoreOn(database.db, shard).write({ ...NOTHING, signals });
        expect(answer).toHaveProperty("conflicts.length", 1);
        expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "2-0: 5"]);
      }
    }
  });

  it("stores the strategies of a signal that was stored without them, beside a conflict", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(database.db, shard);
    const bare = ["1-0", "2-0", "3-0"].map((entryId) => signal(entryId, { uid: null }));
    await log.write({ ...NOTHING, signals: bare });
    const signals = [
      signal("1-0", { uid: null, ...decidedFor([7, 8]) }),
      signal("2-0", { uid: "other", ...decidedFor([7]) }),
      signal("3-0", { uid: null, ...decidedFor([]) }),
      signal("4-0", decidedFor([9])),
    ];
    expect(await log.write({ ...NOTHING, signals })).toHaveProperty("conflicts.length", 1);
    expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "4-0: 9"]);
    expect(
      await database.db.query(
        "SELECT DISTINCT stage, status, reason, detail, at FROM signal_log_entries WHERE shard = $1",
        [shard],
      ),
    ).toStrictEqual([
      { stage: "routing", status: "ignored", reason: "paused", detail: { by: "op" }, at: new Date(AT) },
    ]);
  });

  it("stores a row that was deleted when it was looked for", async () => {
    const shard = freshPrefix();
    const signals = [signal("1-0", { uid: "new" })];
    await logStoreOn(database.db, shard).write({ ...NOTHING, signals: [signal("1-0", { uid: "old" })] });
    let statements = 0;
    const losing: Database["query"] = async (sql, params) => {
      // The first finds that the row is there already; what it says is asked next.
      if ((statements += 1) === 2)
        await database.db.query("DELETE FROM signal_log WHERE shard = $1", [shard]);
      return database.db.query(sql, params);
    };
    const answer = await logStoreOn({ ...database.db, query: losing }, shard).write({ ...NOTHING, signals });
    expect(answer).toStrictEqual({ status: "stored", conflicts: [] });
    expect(await stored("signal_log", shard)).toMatchObject([{ uid: "new" }]);
  });
});

describe.each(databaseKinds.filter(({ kind }) => kind === "pg"))("two writers on one log", ({ create }) => {
  it("report the conflict also when the other one has not committed yet, in whatever order they write", async () => {
    const place = await create();
    const db = await place.open();
    await db.migrate();
    const signals = Array.from({ length: 2_000 }, (_, i) => `${i}-0`);
    const write = (uid: string, order: readonly string[]) =>
      logStoreOn(db, "").write({ ...NOTHING, signals: order.map((entryId) => signal(entryId, { uid })) });
    const answers = await Promise.all([
      write("a", signals),
      write("b", signals.toReversed()),
      write("c", signals),
    ]);
    expect(answers).toMatchObject(answers.map(() => ({ status: "stored" })));
    // Each row was stored once and is a conflict for the two others.
    const conflicts = answers.flatMap((answer) => (answer.status === "stored" ? answer.conflicts : []));
    expect(conflicts).toHaveLength(2 * signals.length);
    await db.close();
    await place.remove();
  });
});
