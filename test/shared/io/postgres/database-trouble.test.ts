import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { startNeonBridge } from "../../../servers/neon-bridge.ts";
import { freePort } from "../../../servers/process.ts";
import { startRelay } from "../../../servers/relay.ts";
import { serverKinds, type TestDatabase } from "./databases.ts";

const OWN_PID = "SELECT pg_backend_pid() AS pid";
const KILL = "SELECT pg_terminate_backend($1)";

describe.each(serverKinds)("a database of kind $kind in trouble", ({ kind, create }) => {
  let testDatabase: TestDatabase;
  const opened: Database[] = [];
  const open: TestDatabase["open"] = async (options) => {
    const db = await testDatabase.open(options);
    opened.push(db);
    return db;
  };
  beforeAll(async () => {
    testDatabase = await create();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close()));
  });
  afterAll(() => testDatabase.remove());

  const pidOf = async (query: <Row>(sql: string) => Promise<Row[]>): Promise<number> => {
    const [row] = await query<{ pid: number }>(OWN_PID);
    return row?.pid ?? Number.NaN;
  };

  it("answers unavailable when its connection is cut during a query, then works again", async () => {
    const db = await open({ poolMax: 1, onError: () => undefined });
    const admin = await open();
    const pid = await pidOf((sql) => db.query(sql));
    const cut = db.query("SELECT pg_sleep(60)").catch((error: unknown) => error);
    await vi.waitFor(async () => {
      const sql =
        "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%' AND state = 'active'";
      expect(await admin.query(sql, [pid])).toHaveLength(1);
    });
    await admin.query(KILL, [pid]);
    expect(await cut).toMatchObject({ kind: "unavailable" });
    expect(await pidOf((sql) => db.query(sql))).not.toBe(pid);
  });

  it("survives a connection cut between two queries of a transaction", async () => {
    const db = await open({ poolMax: 1, onError: () => undefined });
    const admin = await open();
    const work = db.readOnly(async (query) => {
      const pid = await pidOf(query);
      await admin.query(KILL, [pid]);
      await vi.waitFor(async () => {
        expect(await admin.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [pid])).toHaveLength(0);
      });
      return query("SELECT 1");
    });
    await expect(work).rejects.toMatchObject({ kind: "unavailable" });
    expect(await db.query("SELECT 1 AS one")).toStrictEqual([{ one: 1 }]);
  });

  it("reports an idle connection that was cut and replaces it", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const db = await open({ poolMax: 1, onError });
    const admin = await open();
    const pid = await pidOf((sql) => db.query(sql));
    await admin.query(KILL, [pid]);
    await vi.waitFor(() =>
      expect(onError).toHaveBeenCalledWith(expect.objectContaining({ kind: "unavailable" })),
    );
    expect(await pidOf((sql) => db.query(sql))).not.toBe(pid);
  });

  it("answers unavailable when a query takes too long, and frees its connection in the pool", async () => {
    const db = await open({ poolMax: 1, queryMsMax: 200, onError: () => undefined });
    await expect(db.query("SELECT pg_sleep(60)")).rejects.toMatchObject({
      kind: "unavailable",
      sqlstate: undefined,
    });
    expect(await db.query("SELECT 1 AS one")).toStrictEqual([{ one: 1 }]);
  });

  it("answers unavailable when every connection of the pool stays busy", async () => {
    const db = await open({ poolMax: 1, connectMsMax: 200 });
    await db.readOnly(async () => {
      await expect(db.query("SELECT 1")).rejects.toMatchObject({ kind: "unavailable" });
    });
  });

  it("leaves no connection open when it is closed", async () => {
    const db = await testDatabase.open();
    const pids = await Promise.all([1, 2, 3].map(() => pidOf((sql) => db.query(sql))));
    await db.close();
    const admin = await open();
    await vi.waitFor(async () => {
      expect(
        await admin.query("SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1::integer[])", [pids]),
      ).toEqual([]);
    });
  });

  it("opens while the server is down, and its errors hold no password", async () => {
    const port = await freePort();
    const bridge = kind === "neon" ? await startNeonBridge(port) : undefined;
    const url = `postgres://router:s3cret@127.0.0.1:${port}/postgres`;
    const db = await openDatabase({
      url,
      neonWsProxy: bridge?.proxy,
      dataDir: "/nowhere",
      onError: () => undefined,
    });
    const error: unknown = await db.query("SELECT 1").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "DatabaseError", kind: "unavailable", sqlstate: undefined });
    expect(String(error)).not.toContain("s3cret");
    await expect(db.migrate()).rejects.toMatchObject({ kind: "unavailable" });
    await db.close();
    await bridge?.stop();
  });

  it("answers unavailable within the given time when the server is frozen, and can still be closed", async () => {
    const target = kind === "neon" ? await startNeonBridge(portOf(inject("postgresUrl"))) : undefined;
    const relay = await startRelay(
      target === undefined ? portOf(inject("postgresUrl")) : portOf(target.proxy),
    );
    const url = new URL(inject("postgresUrl"));
    if (kind === "pg") url.port = String(relay.port);
    const db = await openDatabase({
      url: url.href,
      neonWsProxy: kind === "neon" ? `127.0.0.1:${relay.port}` : undefined,
      dataDir: "/nowhere",
      poolMax: 2,
      connectMsMax: 300,
      queryMsMax: 300,
      onError: () => undefined,
    });
    // Two connections are open: one freezes in use, one idle, and the third query finds none free.
    await Promise.all([db.query("SELECT 1"), db.query("SELECT 1")]);
    relay.freeze();
    for (const attempt of [1, 2, 3, 4]) {
      await expect(db.query("SELECT $1::integer", [attempt])).rejects.toMatchObject({ kind: "unavailable" });
    }
    await db.close();
    await relay.stop();
    await target?.stop();
  });
});

const portOf = (url: string): number => Number(new URL(url).port);

it("does not quote a malformed URL, which may contain a password", async () => {
  const opening = openDatabase({ url: "s3cret@nowhere", dataDir: "/nowhere", onError: () => undefined });
  await expect(opening).rejects.toThrow(/^DATABASE_URL is not of the form/);
});
