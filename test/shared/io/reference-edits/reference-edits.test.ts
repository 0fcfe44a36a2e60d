import { spawn } from "node:child_process";
import { once } from "node:events";
import { Client } from "pg";
import { beforeEach, describe, expect, it, test } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { recordChangesBySql } from "../../../../shared/io/reference-edits/changes.ts";
import type { Edit, EditAnswer } from "../../../../shared/io/reference-edits/edit.ts";
import { referenceEditsOn } from "../../../../shared/io/reference-edits/reference-edits.ts";
import { loadReferenceRows } from "../../../../shared/io/reference/reference-source.ts";
import type { DocumentStrategy, ReferenceDocument } from "../../../../shared/reference-document/document.ts";
import { NO_USE, type StrategyUse } from "../../../../shared/reference-document/removals.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import { startFile } from "../../../servers/built-scripts.ts";
import { signal, strategy, ticker } from "../../reference-document/plan-fixture.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";

const document = (...strategies: DocumentStrategy[]): ReferenceDocument => ({
  tickers: [ticker("BTCUSDT")],
  signals: [signal("EMA", { long_phrase: "UP", source: "desk" })],
  strategies,
  aliases: [],
  sources: [],
});

const AB = document(strategy("A"), strategy("B"));

const ALIAS = { alias: "XBT", symbol: "BTCUSDT" };
const SOURCE = {
  name: "desk",
  enabled: true,
  format: "json",
  template: { time: "{{t}}", symbol: "{{s}}", message: { map: { buy: "UP" }, from: "{{side}}" } },
  uid: null,
} as const;
const HOW = { by: "bob", reason: null, dryRun: false, agreed: true };

function editing(db: Database, use: ReadonlyMap<number, StrategyUse> = new Map()) {
  const edits = referenceEditsOn(db, { useOf: async () => use });
  const apply = async (made: ReferenceDocument, options: Partial<Edit> = {}): Promise<EditAnswer> =>
    edits.apply({
      document: made,
      by: "ann",
      reason: null,
      dryRun: false,
      agreed: true,
      prune: true,
      kind: "apply",
      ...options,
    });
  return { edits, apply };
}

const idsIn = async (db: Database): Promise<Record<string, number>> => {
  const rows = await db.query<{ id: number; name: string }>("SELECT id, name FROM strategies ORDER BY id");
  return Object.fromEntries(rows.map(({ id, name }) => [name, id]));
};
const historyOf = async (db: Database) =>
  db.query<{ id: number; kind: string; by: string }>(
    "SELECT id, kind, by FROM reference_changes ORDER BY id",
  );
const versionOf = async (db: Database) => buildReference(await loadReferenceRows(db)).version;

async function emptied(db: Database): Promise<void> {
  await db.query(
    "TRUNCATE tickers, signals, strategies, strategy_signals, strategy_tickers, ticker_aliases, webhook_sources, reference_changes RESTART IDENTITY",
  );
}

describe.each(databaseKinds.filter(({ kind }) => kind !== "neon"))("in a database of kind $kind", (kind) => {
  const db = migratedDatabase(kind);
  const { edits, apply } = editing(db);
  beforeEach(async () => emptied(db));

  it("an edit is asked for, previewed, written and recorded, and taken back with the ids it had", async () => {
    const first = document(strategy("A"), strategy("B", { enabled: false, tickers: ["BTCUSDT"] }));
    expect(await apply(first, { agreed: false })).toMatchObject({
      status: "to_agree",
      summary: { willTradeMore: [expect.anything(), "strategy A (1) would trade: it is new"] },
    });
    expect(await apply(first, { dryRun: true })).toMatchObject({ status: "previewed", changeId: null });
    expect(await historyOf(db)).toEqual([]);
    const done = await apply(first, { reason: "the first" });
    expect(done).toMatchObject({ status: "done", changeId: 2, version: await versionOf(db) });
    const read = await edits.read();
    expect(read).toMatchObject({ document: first, unreadable: [], etag: "etag" in done ? done.etag : "" });
    expect(await apply(first)).toMatchObject({ status: "unchanged", changeId: null });

    // Deleting the line `enabled: false` is to enable it.
    const second = document(strategy("B", { tickers: ["BTCUSDT"] }), strategy("C", { was: "A" }));
    expect(await apply(second, { agreed: false })).toMatchObject({
      status: "to_agree",
      summary: { willTradeMore: ["strategy B (2) would trade: enabled true instead of false"] },
    });
    expect(await apply(second)).toMatchObject({ status: "done", changeId: 3 });
    expect(await idsIn(db)).toEqual({ C: 1, B: 2 });
    expect(await apply(document(strategy("D")), { agreed: false })).toMatchObject({
      status: "to_agree",
      summary: { willRemove: ["strategy C (1)", "strategy B (2)"] },
    });
    expect(await apply(document(strategy("D")))).toMatchObject({ status: "done" });
    expect(await idsIn(db)).toEqual({ D: 3 });

    const options = { by: "bob", reason: "back", dryRun: false };
    expect(await edits.rollback(2, { ...options, agreed: false })).toMatchObject({ status: "to_agree" });
    expect(await edits.rollback(2, { ...options, agreed: true })).toMatchObject({
      status: "done",
      changeId: 5,
    });
    expect(await edits.rollback(99, { ...options, agreed: true })).toBeUndefined();
    expect(await idsIn(db)).toEqual({ A: 1, B: 2 });
    expect((await edits.read()).document).toEqual(first);
    expect(await apply(document(strategy("D")))).toMatchObject({ status: "done" });
    expect(await idsIn(db)).toEqual({ D: 3 });
    expect(await apply(document(strategy("E")))).toMatchObject({ status: "done" });
    expect(await idsIn(db)).toEqual({ E: 4 });
    await db.query("INSERT INTO strategies (name) VALUES ('by SQL')");
    expect(await idsIn(db)).toEqual({ E: 4, "by SQL": 5 });
    const [newest, , , , , oldest] = await edits.history({ countMax: 10, before: 7 });
    expect(newest).toMatchObject({ id: 6, kind: "apply", by: "ann" });
    expect(oldest).toMatchObject({ id: 1, kind: "seen", by: "sql", versionBefore: null });
    expect(await edits.change(2)).toMatchObject({ change: { reason: "the first" }, document: first });
  });
});

const [server] = databaseKinds;

describe("on a server", () => {
  const db = migratedDatabase(server);
  const { edits, apply } = editing(db);
  beforeEach(async () => emptied(db));

  test("what SQL has changed is recorded once, however many routers see it, also before an edit", async () => {
    await apply(document(strategy("A")));
    await Promise.all([recordChangesBySql(db), recordChangesBySql(db)]);
    await db.query("UPDATE signals SET source = 'other'");
    await Promise.all(Array.from({ length: 4 }, async () => recordChangesBySql(db)));
    expect((await historyOf(db)).map((row) => row.kind)).toEqual(["seen", "apply", "seen"]);
    await db.query("UPDATE strategies SET shadow = true");
    await apply(document(strategy("A", { shadow: true, reverse: true })));
    expect((await historyOf(db)).map((row) => row.kind)).toEqual(["seen", "apply", "seen", "seen", "apply"]);
    const versions = (await edits.history({ countMax: 9 })).map(({ versionBefore, versionAfter }) => [
      versionBefore,
      versionAfter,
    ]);
    for (const [at, [before]] of versions.slice(0, -1).entries()) expect(before).toBe(versions[at + 1]?.[1]);
  });

  test("rows that no document can express are left as they are, to the last digit", async () => {
    await apply(document(strategy("A")));
    await db.query(`INSERT INTO strategies (name, params) VALUES ('Big', '{"id": 9007199254740993}')`);
    const read = await edits.read();
    expect(read.unreadable).toEqual([expect.stringContaining("strategy Big (2)")]);
    const changed = { ...read.document, strategies: [strategy("A", { shadow: true })] };
    expect(await apply(changed, { prune: false })).toMatchObject({ status: "done" });
    const [row] = await db.query("SELECT params::text AS params FROM strategies WHERE name = 'Big'");
    expect(row).toEqual({ params: '{"id": 9007199254740993}' });
    const [last] = await db.query(
      "SELECT rows::text AS rows FROM reference_changes ORDER BY id DESC LIMIT 1",
    );
    expect(JSON.stringify(last)).toContain("9007199254740993");
  });

  test("names may be swapped by a rollback, and nothing is written where there is a fault or tasks in flight", async () => {
    await apply(document(strategy("A"), strategy("B")));
    await db.query("UPDATE strategies SET name = CASE id WHEN 1 THEN 'x' ELSE 'A' END");
    await db.query("UPDATE strategies SET name = 'B' WHERE id = 1");
    const options = { by: "bob", reason: null, dryRun: false, agreed: true };
    expect(await edits.rollback(2, options)).toMatchObject({
      status: "done",
      summary: { changes: ["strategy A (1): renamed from B", "strategy B (2): renamed from A"] },
    });
    const busy = new Map([[2, { ...NO_USE, tasksInFlight: 1 }]]);
    const { apply: applyBusy } = editing(db, busy);
    expect(await applyBusy(document(strategy("A")))).toMatchObject({
      status: "refused",
      faults: [{ message: expect.stringMatching(/^strategy B \(2\) has a task in flight.*archive it/) }],
    });
    const faulty = document(strategy("A", { signals: ["Nobody"] }), strategy("A"));
    expect(await apply(faulty)).toMatchObject({ status: "refused", faults: [{}, {}] });
    expect(await idsIn(db)).toEqual({ A: 1, B: 2 });
  });

  const url = async (): Promise<string> => {
    const [row] = await db.query<{ name: string; port: string; role: string }>(
      "SELECT current_database() AS name, current_setting('port') AS port, current_user AS role",
    );
    return `postgres://${row?.role}:test-secret@127.0.0.1:${row?.port}/${row?.name}`;
  };
  async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: await url() });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  test("of edits made on the same rows one is written; the others get what has changed meanwhile", async () => {
    await apply(AB);
    const { etag } = await edits.read();
    const made = ["X", "Y", "Z"].map(async (name) =>
      apply(document(strategy("A"), strategy("B"), strategy(name)), { ifMatch: etag, by: name }),
    );
    const statuses = (await Promise.all(made)).map(({ status }) => status).toSorted();
    expect(statuses).toEqual(["conflict", "conflict", "done"]);
    await db.query("UPDATE strategies SET shadow = true WHERE name = 'A'");
    const late = await apply(document(strategy("A")), { ifMatch: etag });
    expect(late).toMatchObject({
      status: "conflict",
      summary: {
        warnings: expect.arrayContaining([expect.stringMatching(/^changed meanwhile by [XYZ] at/)]),
      },
    });
  });

  test("an edit that waits too long says who holds the tables, and has changed nothing", async () => {
    await withClient(async (client) => {
      await client.query(
        "SET application_name = 'a forgotten psql'; BEGIN; LOCK TABLE tickers IN ROW EXCLUSIVE MODE",
      );
      const { takeEditLock } = await import("../../../../shared/io/reference-edits/edit-lock.ts");
      const waiting = db.transaction(async (query) => takeEditLock(query, db, { waitMsMax: 100 }));
      await expect(waiting).rejects.toThrow(
        /changed by another session.*pid \d+ \(application_name a forgotten psql/,
      );
    });
  });

  test("in the middle of an edit SQL of others is kept out and readers go on; killed there, it has changed nothing", async () => {
    await db.query(`
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$`);
    await db.query("CREATE TRIGGER hold BEFORE INSERT ON strategies FOR EACH ROW EXECUTE FUNCTION hold()");
    await apply(AB);
    const wanted = document(strategy("C"));
    const before = await edits.read();
    await withClient(async (client) => {
      await client.query("SELECT pg_advisory_lock(42)");
      const { path, loader } = startFile("test/shared/io/reference-edits/edit-process.ts");
      const args = [...loader, path, await url(), JSON.stringify(wanted)];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      const waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted";
      while ((await client.query(waits)).rows.length === 0) expect(child.exitCode).toBeNull();
      await client.query("SET lock_timeout = 1");
      const writing = client.query("UPDATE tickers SET status = 'disabled'");
      await expect(writing).rejects.toMatchObject({ code: "55P03" });
      expect(await loadReferenceRows(db)).toMatchObject({ strategies: [{ name: "A" }, { name: "B" }] });
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    expect(await edits.read()).toEqual(before);
    expect(await apply(wanted)).toMatchObject({ status: "done" });
    expect(await idsIn(db)).toEqual({ C: 3 });
    await db.query("DROP TRIGGER hold ON strategies");
  });

  test("rows of before these columns and tables are the same rows: nothing is recorded, and they can be restored", async () => {
    await apply(document(strategy("A")));
    const { etag } = await edits.read();
    const [last] = await db.query<{ text: string }>(
      "SELECT rows::text AS text FROM reference_changes ORDER BY id DESC LIMIT 1",
    );
    expect(last?.text).not.toMatch(/exit|exchanges|ticker_aliases|webhook_sources/);
    const wide = {
      ...document(strategy("A", { exits: true, exit_age_ms_max: 0 })),
      tickers: [ticker("BTCUSDT", { exchanges: ["BINANCE"] })],
      signals: [signal("EMA", { long_phrase: "UP", source: "desk", short_exit_phrase: "OUT" })],
      aliases: [ALIAS],
      sources: [SOURCE],
    };
    expect(await apply(wide)).toMatchObject({ status: "done", changeId: 3, version: await versionOf(db) });
    expect((await edits.read()).document).toEqual(wide);
    expect(await recordChangesBySql(db)).toBeUndefined();
    expect(await edits.rollback(2, HOW)).toMatchObject({
      status: "done",
      etag,
      summary: {
        willRemove: ["alias XBT of ticker BTCUSDT", expect.stringMatching(/^source desk: /)],
        changes: expect.arrayContaining(['ticker BTCUSDT: exchanges ["BINANCE"] → none']),
      },
    });
    expect(await edits.rollback(3, HOW)).toMatchObject({ status: "done" });
    expect((await edits.read()).document).toEqual(wide);
    expect(await edits.change(3, 2)).toMatchObject({
      changes: expect.arrayContaining(["source desk: added"]),
    });
  });

  test("while the reference is another system's, aliases and sources are edited and recorded, and nothing else", async () => {
    await apply(document(strategy("A")));
    await db.query("INSERT INTO signal_router_migrations (name, run_on) VALUES ('reference none', now())");
    await db.query("UPDATE strategies SET shadow = true");
    expect(await recordChangesBySql(db)).toBeUndefined();
    const read = await edits.read();
    expect(read).toMatchObject({
      kinds: ["aliases", "sources"],
      document: { tickers: [], strategies: [], aliases: [], sources: [] },
    });
    const refused = {
      status: "not_own",
      message: expect.stringContaining("tables or views that another program"),
    };
    expect(await apply(document(strategy("A")))).toMatchObject(refused);
    const empty = { tickers: [], signals: [], strategies: [] };
    const removes = [{ kind: "tickers", name: "BTCUSDT" }] as const;
    expect(await apply({ ...empty, aliases: [ALIAS] }, { removes })).toMatchObject(refused);

    const wanted = { ...empty, aliases: [ALIAS], sources: [SOURCE] };
    expect(await apply(wanted, { agreed: false })).toMatchObject({
      status: "to_agree",
      summary: {
        willTradeMore: expect.arrayContaining([expect.stringContaining("alias XBT")]),
        warnings: [],
      },
    });
    const done = await apply(wanted, { ifMatch: read.etag });
    expect(done).toMatchObject({ status: "done", changeId: 3, version: await versionOf(db) });
    expect(await apply(wanted, { ifMatch: read.etag })).toMatchObject({ status: "conflict" });
    expect(await apply({ ...empty, aliases: [{ ...ALIAS, symbol: "NONE" }] })).toMatchObject({
      status: "refused",
      faults: [{ path: "aliases[0].symbol" }],
    });
    expect(await edits.change(3)).toMatchObject({
      kinds: ["aliases", "sources"],
      document: { aliases: [ALIAS], sources: [SOURCE] },
      changes: ["alias XBT of ticker BTCUSDT: added", "source desk: added"],
    });
    await db.query("DELETE FROM ticker_aliases");
    expect(await recordChangesBySql(db)).toBe(4);
    expect(await edits.rollback(3, HOW)).toMatchObject({ status: "done", changeId: 5 });
    expect(await edits.rollback(2, HOW)).toMatchObject({
      status: "done",
      summary: { warnings: [expect.stringContaining("the rest is another system's")] },
    });
    await db.query("DELETE FROM signal_router_migrations WHERE name = 'reference none'");
    // Rows of the other system's time say nothing of the tickers, which stay.
    expect(await edits.rollback(3, HOW)).toMatchObject({
      status: "done",
      summary: {
        willRemove: [],
        changes: ["alias XBT of ticker BTCUSDT: added", "source desk: added"],
        warnings: expect.arrayContaining([expect.stringContaining("was another system's then")]),
      },
    });
    expect(await idsIn(db)).toEqual({ A: 1 });
  });
});
