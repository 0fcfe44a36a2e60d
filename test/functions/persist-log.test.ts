import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../shared/entry.ts";
import { eventFields } from "../../shared/events.ts";
import { logStoreOn } from "../../shared/io/log/log-store-postgres.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import type { FreshDatabase } from "../servers/database.ts";
import { migratedDatabase, freshPrefix } from "../servers/fixtures.ts";
import { answers, AT, entry, outcomeEntry, signalEntry } from "./log-entries.ts";

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

function invocationFields(id: string, end: object = { finished_at: null, counts: null }): Fields {
  const data = {
    id,
    kind: "dead_letter",
    mode: null,
    snapshot: null,
    requested_by: "ann",
    reason: null,
    selection: {},
    started_at: AT,
    ...end,
  };
  return { kind: "invocation", entry_id: "", invocation: id, data: JSON.stringify(data) };
}

/** The database, with every statement counted. */
function counted(): { db: Database; statements: () => number } {
  let statements = 0;
  const query: Database["query"] = async (sql, params) => {
    statements += 1;
    return database.query(sql, params);
  };
  return { db: { ...database, query }, statements: () => statements };
}

describe("persist-log, on a real Postgres", () => {
  test("a whole batch is stored with one statement per table and each entry is done", async () => {
    const { db, statements } = counted();
    const entries = Array.from({ length: 256 }, (_, i) =>
      i % 2 === 0 ? signalEntry(i, `${i}`, { outcomes: 5 }) : outcomeEntry(i, 7),
    );
    const { results } = await answers(entries, logStoreOn(db, freshPrefix()));
    expect(results).toEqual(Object.fromEntries(entries.map(({ id }) => [id, "done"])));
    expect(statements()).toBe(2);
  });

  test("a batch that is stored in chunks becomes the same rows, also when it is stored again", async () => {
    const shard = freshPrefix();
    const heavy = { outcomes: 20_000 };
    const other = { ...signalEntry(1, "b", { outcomes: 20_001 }), id: "3-0" };
    const batch = [signalEntry(1, "a", heavy), signalEntry(2, "c", heavy), other, outcomeEntry(4, 7)];
    for (let times = 0; times < 2; times += 1) {
      const { results } = await answers(batch, logStoreOn(database, shard));
      expect(results).toEqual({ "1-0": "done", "2-0": "done", "3-0": "conflicting_uid", "4-0": "done" });
    }
    const counts = await database.query(
      "SELECT entry_id, count(*) AS n FROM signal_log_entries WHERE shard = $1 GROUP BY 1 ORDER BY 1",
      [shard],
    );
    expect(counts).toEqual([
      { entry_id: "1-0", n: 20_000 },
      { entry_id: "2-0", n: 20_000 },
      { entry_id: "4-0", n: 1 },
    ]);
  });

  test("rows that Postgres refuses are dead with its reason, every neighbour is stored", async () => {
    const shard = freshPrefix();
    // An integer column takes no more than 2^31 − 1.
    const entries = Array.from({ length: 40 }, (_, i) =>
      outcomeEntry(i + 1, [3, 17, 18, 40].includes(i + 1) ? 2 ** 40 : 7),
    );
    const { results, all } = await answers(entries, logStoreOn(database, shard));
    const dead = Object.entries(results).filter(([, status]) => status !== "done");
    const guilty = ["3-0", "17-0", "18-0", "40-0"].map((id) => [id, "refused_row"]);
    expect(Object.fromEntries(dead)).toEqual(Object.fromEntries(guilty));
    expect(all).toHaveLength(40);
    expect(all.find((result) => result.id === "3-0")).toMatchObject({
      error: expect.stringMatching(/22003/),
    });
    const [stored] = await database.query("SELECT count(*) AS n FROM signal_log_entries WHERE shard = $1", [
      shard,
    ]);
    expect(stored).toEqual({ n: 36 });
  });

  test.each([
    ["an unknown kind", { kind: "story", entry_id: "1-0", invocation: "live", data: "{}" }],
    ["data that is no JSON", { kind: "signal", entry_id: "1-0", invocation: "live", data: "{" }],
    ["a record without its fields", { kind: "signal", entry_id: "1-0", invocation: "live", data: "{}" }],
    ["an entry id that is none", { kind: "outcome", entry_id: "first", invocation: "live", data: "{}" }],
    ["an invocation of an entry", { ...invocationFields("1"), entry_id: "1-0" }],
    ["an invocation without its fields", { ...invocationFields("1"), data: "{}" }],
    ["no fields at all", {}],
  ])("%s is dead as invalid_record and its neighbours are stored", async (_, fields) => {
    const shard = freshPrefix();
    const { results, all } = await answers(
      [entry(1, fields), outcomeEntry(2, 7)],
      logStoreOn(database, shard),
    );
    expect(results).toEqual({ "1-0": "invalid_record", "2-0": "done" });
    expect(all.find((result) => result.id === "1-0")).toMatchObject({
      error: expect.stringContaining("not a record"),
    });
  });

  test("a row that exists for another uid is an error that says what may have happened", async () => {
    const log = logStoreOn(database, freshPrefix());
    await answers([signalEntry(1, "a")], log);
    const again = await answers([signalEntry(1, "a"), signalEntry(2, "b")], log);
    expect(again.results).toEqual({ "1-0": "done", "2-0": "done" });
    const { results, all } = await answers([signalEntry(1, "other"), signalEntry(3, "c")], log);
    expect(results).toEqual({ "1-0": "conflicting_uid", "3-0": "done" });
    expect(all[0]).toMatchObject({
      level: "ERROR",
      error: expect.stringMatching(/uid a, not other.*KEY_PREFIX/),
    });
  });

  test.each([
    ["another uid", signalEntry(1, "b"), "conflicting_uid"],
    ["another decision", signalEntry(1, "a", { status: "dispatched" }), "conflicting_decision"],
  ])(
    "of two records of one entry in one batch the one with %s is dead, not what is stored",
    async (...given) => {
      const [, other, reason] = given;
      const log = logStoreOn(database, freshPrefix());
      const batch = [signalEntry(1, "a"), { ...other, id: "2-0" }, { ...signalEntry(1, "a"), id: "3-0" }];
      for (let times = 0; times < 2; times += 1) {
        const { results } = await answers(batch, log);
        expect(results).toEqual({ "1-0": "done", "2-0": reason, "3-0": "done" });
      }
    },
  );

  test("the start and the end of an invocation become one row of invocations", async () => {
    const id = crypto.randomUUID();
    const end = { finished_at: AT, counts: { done: 2 } };
    const log = logStoreOn(database, freshPrefix());
    const { results } = await answers(
      [entry(1, invocationFields(id)), entry(2, invocationFields(id, end))],
      log,
    );
    expect(results).toEqual({ "1-0": "done", "2-0": "done" });
    expect(
      await database.query("SELECT kind, requested_by, finished_at, counts FROM invocations WHERE id = $1", [
        id,
      ]),
    ).toEqual([{ kind: "dead_letter", requested_by: "ann", finished_at: new Date(AT), counts: { done: 2 } }]);
  });

  test("a row that exists with another decision is an error, too: a task may have been dispatched since", async () => {
    const log = logStoreOn(database, freshPrefix());
    await answers([signalEntry(1, "a")], log);
    const { results, all } = await answers(
      [signalEntry(1, "a", { status: "dispatched" }), signalEntry(2, "b")],
      log,
    );
    expect(results).toEqual({ "1-0": "conflicting_decision", "2-0": "done" });
    expect(all[0]).toMatchObject({
      level: "ERROR",
      error: expect.stringMatching(/as ignored.*again as dispatched/),
    });
  });

  test("events become rows of system_log, each once", async () => {
    const fields = eventFields(
      { level: "WARNING", source: "test", message: "careful", details: { n: 1 }, actionNeeded: true },
      0,
    );
    const log = logStoreOn(database, freshPrefix());
    const entries = [entry(1, fields), entry(2, fields), entry(3, { event_id: "no" })];
    const { results } = await answers(entries, log, "system_events");
    expect(results).toEqual({ "1-0": "done", "2-0": "done", "3-0": "invalid_record" });
    const rows = await database.query(
      "SELECT level, source, message, details, action_flag FROM system_log WHERE event_id = $1",
      [fields["event_id"]],
    );
    expect(rows).toEqual([
      { level: "WARNING", source: "test", message: "careful", details: { n: 1 }, action_flag: true },
    ]);
  });

  test("an unavailable Postgres makes the batch unavailable, with no result for what is not stored", async () => {
    const unavailableDb = await openDatabase({
      url: "postgres://nobody@127.0.0.1:1/none",
      dataDir: "",
      onError: () => undefined,
    });
    const { results, unavailable } = await answers(
      [signalEntry(1, "a"), signalEntry(2, "b")],
      logStoreOn(unavailableDb, "x"),
    );
    await unavailableDb.close();
    expect(results).toEqual({});
    expect(unavailable).toMatchObject({ what: "postgres" });
  });

  test("a Postgres that becomes unavailable between two halves leaves only the unstored half unanswered", async () => {
    const real = logStoreOn(database, freshPrefix());
    let calls = 0;
    const leaving: LogStore = {
      write: async (rows) => ((calls += 1) < 3 ? real.write(rows) : { status: "unavailable", error: "gone" }),
    };
    const { results, unavailable } = await answers(
      [outcomeEntry(1, 7), outcomeEntry(2, 7), outcomeEntry(3, 2 ** 40), outcomeEntry(4, 7)],
      leaving,
    );
    expect(results).toEqual({ "1-0": "done", "2-0": "done" });
    expect(unavailable).toMatchObject({ error: "gone" });
  });
});
