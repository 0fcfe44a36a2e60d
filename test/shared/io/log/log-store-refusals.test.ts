import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import type { LogRows, SignalRow } from "../../../../shared/log-rows.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds } from "../postgres/databases.ts";
import { event, invocation, NOTHING, outcome, ROUTED, signal, useLogDatabase } from "./log-store-fixture.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", ({ create }) => {
  const database = useLogDatabase(create);
  const { stored } = database;

  it("answers unavailable when the table swallows rows", async () => {
    await database.db.query(
      "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    await database.db.query(
      "CREATE TRIGGER swallows BEFORE INSERT ON signal_log FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    const answer = await logStoreOn(database.db, freshPrefix()).write({
      ...NOTHING,
      signals: [signal("1-0")],
    });
    await database.db.query("DROP FUNCTION swallow() CASCADE");
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("trigger") });
  });

  it.each<{ what: string; rows: Partial<LogRows>; sqlstate: string }>([
    {
      what: "a NUL character in JSON",
      rows: { signals: [signal("1-0", { raw: { message: "s3cret\u0000" } })] },
      sqlstate: "22P05",
    },
    {
      what: "half a character",
      rows: { signals: [signal("1-0", { message: "s3cret\ud800" })] },
      sqlstate: "22P02",
    },
    {
      what: "a time that is none",
      rows: { signals: [signal("1-0", { bar_time: "s3cret" })] },
      sqlstate: "22007",
    },
    {
      what: "an unknown status of a strategy, and with it the signal",
      rows: { signals: [signal("1-0", { outcomes: [{ ...ROUTED, status: "s3cret" as "shadow" }] })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown status",
      rows: { outcomes: [outcome("1-0", { status: "s3cret" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a status of the other stage",
      rows: { outcomes: [outcome("1-0", { status: "shadow" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a number that is too large",
      rows: { outcomes: [outcome("1-0", { duration_ms: 2 ** 31 })] },
      sqlstate: "22003",
    },
    {
      what: "an unknown kind of invocation",
      rows: { invocations: [invocation("1", { kind: "s3cret" as "manual" })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown level",
      rows: { events: [event(crypto.randomUUID(), { level: "s3cret" })] },
      sqlstate: "23514",
    },
    { what: "an id that is none", rows: { events: [event("s3cret")] }, sqlstate: "22P02" },
  ])("refuses $what, without repeating it", async ({ rows, sqlstate }) => {
    const shard = freshPrefix();
    const answer = await logStoreOn(database.db, shard).write({ ...NOTHING, ...rows });
    expect(answer).toStrictEqual({ status: "refused", sqlstate, error: expect.stringContaining(sqlstate) });
    expect(JSON.stringify(answer)).not.toContain("s3cret");
    expect(await stored("signal_log", shard)).toStrictEqual([]);
    expect(await stored("signal_log_entries", shard)).toStrictEqual([]);
  });

  it("hides no mistake of the program as an answer", async () => {
    const signals = [{ entryId: "1-0", invocation: "live" } as SignalRow];
    await expect(logStoreOn(database.db, "").write({ ...NOTHING, signals })).rejects.toThrow(TypeError);
  });

  it("writes nothing when there is nothing to write", async () => {
    const untouchable = { ...database.db, query: () => Promise.reject(new Error("queried")) };
    expect(await logStoreOn(untouchable, "").write(NOTHING)).toStrictEqual({
      status: "stored",
      conflicts: [],
    });
  });

  it("answers unavailable when the database is", async () => {
    const other = await create();
    const closed = await other.open();
    await closed.close();
    const answer = await logStoreOn(closed, "").write({ ...NOTHING, signals: [signal("1-0")] });
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("unavailable") });
    await other.remove();
  });
});
