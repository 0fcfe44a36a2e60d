import { beforeAll, expect, it } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { compatStatements } from "../../../../shared/io/reference-mapping/compat.ts";
import { sql } from "../../../servers/insert-reference.ts";
import { useOldSystem } from "./mapping-fixture.ts";

const mapped = useOldSystem("v4", "router");
const { db } = mapped;
const names = { owner: `owner${process.pid}`, ui: `ui${process.pid}` };

/** A row of the router's log, a second later than the one before. */
function logged(second: number, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const at = `2026-11-30T10:00:0${second}.250Z`;
  return {
    shard: "",
    entry_id: `179603280${second}250-3`,
    invocation: "live",
    detail: {},
    signal_id: 1,
    direction: "long",
    symbol: "BTCUSDT",
    message: "EMA_LONG",
    source: "tv",
    raw: { message: "EMA_LONG", symbol: "BTCUSDT" },
    bar_time: "2026-11-30T09:55:00Z",
    received_at: at,
    decided_at: at,
    logged_at: at,
    snapshot: "v",
    ...changes,
  };
}

const LOGGED = [
  logged(1, { uid: "a", status: "dispatched" }),
  logged(2, { uid: "a", status: "duplicate" }),
  logged(3, { uid: "b", status: "ignored", reason: "paused" }),
  logged(4, { uid: "b", status: "ignored", reason: "paused", symbol: "ETHUSDT" }),
  logged(5, { uid: "c", status: "ignored", reason: "paused" }),
  logged(6, { uid: "c", status: "dispatched", sent_at: "2026-11-30T09:59:00Z", source: null }),
  logged(7, { uid: "d", status: "ignored", reason: "unknown_phrase", signal_id: null, direction: null }),
  logged(8, { uid: null, status: "rejected", reason: "missing_field", bar_time: null }),
  logged(9, { uid: "e", status: "ignored", reason: "shadow", shard: "trial:" }),
  logged(1, { uid: "a", status: "dispatched", invocation: "replay-1" }),
];

/** Runs the statements in one transaction, as the superuser of the tests. */
async function change(on: boolean): Promise<readonly string[]> {
  const statements = await compatStatements((text, params) => db.query(text, params), {
    on,
    source: "public",
    table: db.table,
  });
  await sql(mapped.url(), ["BEGIN", ...statements, "COMMIT"].join(";\n"));
  return statements;
}

const tableOf = async (name: string): Promise<unknown> =>
  (await sql(mapped.url(), "SELECT relkind FROM pg_class WHERE relname = $1", [name]))[0]?.["relkind"];

beforeAll(async () => {
  const url = mapped.url();
  await sql(url, "CREATE SCHEMA router");
  const inSchema = new URL(url);
  inSchema.searchParams.set("options", "-c search_path=router");
  const router = await openDatabase({ url: inSchema.href, dataDir: "/nowhere", onError: () => undefined });
  await router.migrate();
  await router.close();
  await sql(
    url,
    "INSERT INTO router.signal_log SELECT * FROM jsonb_populate_recordset(NULL::router.signal_log, $1)",
    [JSON.stringify(LOGGED)],
  );
  await sql(
    url,
    `INSERT INTO router.signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, at)
     SELECT '', entry_id, invocation, strategy_id, stage, routed, decided_at FROM router.signal_log,
       (VALUES (7, 'routing', 'dispatched'), (2, 'routing', 'dispatched'), (3, 'routing', 'ignored'), (2, 'execution', 'executed'))
         AS routing (strategy_id, stage, routed)
     WHERE signal_log.status = 'dispatched'`,
  );
});

it("the view has the old columns, the old rows and one row for each uid of the router", async () => {
  const url = mapped.url();
  const before = await sql(url, "SELECT * FROM signals_v4_log ORDER BY id");
  await change(true);
  const rows = await sql(url, "SELECT * FROM signals_v4_log ORDER BY id");
  expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(before[0] ?? {}));
  expect(
    rows
      .slice(0, 2)
      .map(({ id, ...row }) => ({ id: Number(id), ...row, signal_id: Number(row["signal_id"]) })),
  ).toEqual(before);
  expect(rows.slice(2).map(({ uid, status, id }) => [uid, status, id])).toEqual([
    ["a", "dispatched", "1796032801250003"],
    ["b", "ignored", "1796032803250003"],
    ["c", "dispatched", "1796032806250003"],
    ["d", "ignored", "1796032807250003"],
  ]);
  const [text] = await sql(
    url,
    `SELECT raw_message::jsonb, pg_typeof(raw_message)::text AS raw_type, pg_typeof(logged_at)::text AS time_type,
       bar_time::text, sent_at::text, received_at::text, logged_at::text, source
     FROM signals_v4_log WHERE uid = 'c'`,
  );
  expect(text).toEqual({
    raw_message: { message: "EMA_LONG", symbol: "BTCUSDT", strategies: [2, 7] },
    raw_type: "text",
    time_type: "timestamp without time zone",
    bar_time: "2026-11-30 09:55:00",
    sent_at: "2026-11-30 09:59:00",
    received_at: "2026-11-30 10:00:06.25",
    logged_at: "2026-11-30 10:00:06.25",
    source: null,
  });
  expect(await change(true)).toEqual([]);
  await change(false);
  expect(await sql(url, "SELECT * FROM signals_v4_log ORDER BY id")).toEqual(before);
  expect(await sql(url, "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%compat%'")).toEqual([]);
  expect(await change(false)).toEqual([]);
});

it("the newest rows are merged by index from both logs", async () => {
  const url = new URL(mapped.url());
  url.searchParams.set("options", "-c enable_seqscan=off -c enable_bitmapscan=off");
  await change(true);
  try {
    for (const column of ["id", "logged_at"]) {
      const plan = await sql(
        url.href,
        `EXPLAIN SELECT * FROM signals_v4_log ORDER BY ${column} DESC LIMIT 50`,
      );
      const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
      expect(text).toContain("Merge Append");
      expect(text).toContain(`using signals_v4_log_compat_${column} on signals_v4_log_old`);
      expect(text).toContain(`using signal_log_compat_${column} on signal_log`);
    }
    await expect(sql(mapped.url(), "INSERT INTO signals_v4_log (uid) VALUES ('x')")).rejects.toThrow(
      "cannot insert into view",
    );
  } finally {
    await change(false);
  }
});

it("only who owns the table may do it, and who may read the table may read the view", async () => {
  const url = mapped.url();
  const asOwner = new URL(url);
  asOwner.username = names.owner;
  asOwner.password = "secret";
  await sql(
    url,
    `CREATE ROLE ${names.owner} LOGIN PASSWORD 'secret'; CREATE ROLE ${names.ui};
     GRANT SELECT ON signals_v4_log TO ${names.ui}; GRANT USAGE, CREATE ON SCHEMA public, router TO ${names.owner};
     ALTER TABLE router.signal_log OWNER TO ${names.owner};
     ALTER TABLE router.signal_log_entries OWNER TO ${names.owner}`,
  );
  try {
    const query: Database["query"] = async <Row>(text: string, params: readonly unknown[] = []) =>
      (await sql(asOwner.href, text, [...params])) as Row[];
    const of = { source: "public", table: db.table };
    await expect(compatStatements(query, { ...of, on: true })).rejects.toThrow(
      `public.signals_v4_log belongs to role router, and only its owner may rename or replace it; this connection has role ${names.owner}: run the command as router, or GRANT "router" TO "${names.owner}"`,
    );
    await sql(url, `ALTER TABLE signals_v4_log OWNER TO ${names.owner}`);
    const statements = await compatStatements(query, { ...of, on: true });
    await sql(asOwner.href, ["BEGIN", ...statements, "COMMIT"].join(";\n"));
    const rights = "SELECT has_table_privilege($1, 'signals_v4_log', 'SELECT') AS may_read";
    expect(await sql(url, rights, [names.ui])).toEqual([{ may_read: true }]);
    await expect(compatStatements(query, { ...of, on: false, source: "old" })).rejects.toThrow(
      "there is no table old.signals_v4_log_old that could get its name back",
    );
    await sql(
      asOwner.href,
      ["BEGIN", ...(await compatStatements(query, { ...of, on: false })), "COMMIT"].join(";\n"),
    );
    expect(await tableOf("signals_v4_log")).toBe("r");
  } finally {
    await sql(
      url,
      `REASSIGN OWNED BY ${names.owner} TO router; DROP OWNED BY ${names.owner}, ${names.ui}; DROP ROLE ${names.owner}, ${names.ui}`,
    );
  }
});
