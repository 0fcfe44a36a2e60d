import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import type { LogRows, SignalRow } from "../../../../shared/log-rows.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { event, logged, NO_ROWS, ran, replay, routed, rowsIn } from "./logged.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);

  it("answers unavailable when a trigger drops the rows", async () => {
    await db.query("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    await db.query(
      "CREATE TRIGGER swallows BEFORE INSERT ON signal_log FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    const answer = await logStoreOn(db, freshPrefix()).write({ ...NO_ROWS, signals: [logged("1-0")] });
    await db.query("DROP FUNCTION swallow() CASCADE");
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("trigger") });
  });

  it.each<{ what: string; rows: Partial<LogRows>; sqlstate: string }>([
    {
      what: "a NUL character in JSON",
      rows: { signals: [logged("1-0", { raw: { message: "s3cret\u0000" } })] },
      sqlstate: "22P05",
    },
    {
      what: "half a character",
      rows: { signals: [logged("1-0", { message: "s3cret\ud800" })] },
      sqlstate: "22P02",
    },
    {
      what: "a malformed time",
      rows: { signals: [logged("1-0", { bar_time: "s3cret" })] },
      sqlstate: "22007",
    },
    {
      what: "an unknown status of a strategy, and with it the signal",
      rows: { signals: [logged("1-0", { outcomes: [routed(7, { status: "s3cret" as "shadow" })] })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown status",
      rows: { outcomes: [ran("1-0", { status: "s3cret" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a status of the other stage",
      rows: { outcomes: [ran("1-0", { status: "shadow" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a number that is too large",
      rows: { outcomes: [ran("1-0", { duration_ms: 2 ** 31 })] },
      sqlstate: "22003",
    },
    {
      what: "an unknown kind of invocation",
      rows: { invocations: [replay("1", { kind: "s3cret" as "manual" })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown level",
      rows: { events: [event(crypto.randomUUID(), { level: "s3cret" })] },
      sqlstate: "23514",
    },
    { what: "a malformed id", rows: { events: [event("s3cret")] }, sqlstate: "22P02" },
  ])("refuses $what, without quoting it", async ({ rows, sqlstate }) => {
    const shard = freshPrefix();
    const answer = await logStoreOn(db, shard).write({ ...NO_ROWS, ...rows });
    expect(answer).toStrictEqual({ status: "refused", sqlstate, error: expect.stringContaining(sqlstate) });
    expect(JSON.stringify(answer)).not.toContain("s3cret");
    expect(await rowsIn(db, "signal_log", shard)).toStrictEqual([]);
    expect(await rowsIn(db, "signal_log_entries", shard)).toStrictEqual([]);
  });

  it("throws when the program passes a malformed row", async () => {
    const signals = [{ entryId: "1-0", invocation: "live" } as SignalRow];
    await expect(logStoreOn(db, "").write({ ...NO_ROWS, signals })).rejects.toThrow(TypeError);
  });

  it("writes nothing when there is nothing to write", async () => {
    const untouchable = { ...db, query: () => Promise.reject(new Error("queried")) };
    expect(await logStoreOn(untouchable, "").write(NO_ROWS)).toStrictEqual({
      status: "stored",
      conflicts: [],
      unmatched: [],
    });
  });

  it("answers unavailable when the database is unavailable", async () => {
    const other = await database.create();
    const closed = await other.open();
    await closed.close();
    const answer = await logStoreOn(closed, "").write({ ...NO_ROWS, signals: [logged("1-0")] });
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("unavailable") });
    await other.remove();
  });
});
