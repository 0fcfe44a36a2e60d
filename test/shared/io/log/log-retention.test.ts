import { beforeEach, describe, expect, it } from "vitest";
import { logRetentionOn, type LogTable } from "../../../../shared/io/log/log-retention.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase, serverKinds } from "../postgres/databases.ts";

const BEFORE = new Date("2026-01-10T00:00:00Z");
const OLD = "2026-01-09T23:59:59.999999Z";
const YOUNG = "2026-01-10T00:00:00Z";
const TABLES: readonly LogTable[] = ["signal_log_entries", "signal_log", "system_log"];

describe.each(databaseKinds)("removing old rows of the log on $kind", (database) => {
  const db = migratedDatabase(database);
  let shard: string;
  let added = 0;

  beforeEach(() => {
    shard = freshPrefix();
  });

  /** Adds rows with the same time; those of signal_log_entries belong to three strategies. */
  async function add(table: LogTable, at: string, count: number, of = shard): Promise<void> {
    added += count;
    const ids = `generate_series(${added - count}, ${added - 1}) n`;
    switch (table) {
      case "signal_log":
        await db.query(
          `INSERT INTO signal_log (shard, entry_id, invocation, status, raw, received_at, decided_at, snapshot)
           SELECT $1, n || '-0', 'live', 'ignored', '{}', '2020-01-01', $2, 's' FROM ${ids}`,
          [of, at],
        );
        break;
      case "signal_log_entries":
        await db.query(
          `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, at)
           SELECT $1, n || '-0', 'live', n % 3 * 100, 'routing', 'ignored', $2 FROM ${ids}`,
          [of, at],
        );
        break;
      case "system_log":
        await db.query(
          `INSERT INTO system_log (event_id, at, level, source, message)
           SELECT gen_random_uuid(), $2::timestamptz, 'INFO', 'test', $1 FROM ${ids}`,
          [of, at],
        );
    }
  }

  async function times(table: LogTable, of = shard): Promise<string[]> {
    const at = table === "signal_log" ? "decided_at" : "at";
    const mine = table === "system_log" ? "message" : "shard";
    const rows = await db.query<{ at: Date }>(
      `SELECT ${at} AS at FROM ${table} WHERE ${mine} = $1 ORDER BY ${at}`,
      [of],
    );
    return rows.map((row) => row.at.toISOString());
  }

  it.each(TABLES)(
    "%s loses rows that are older by their own time, and none that are younger",
    async (table) => {
      await add(table, OLD, 7);
      await add(table, YOUNG, 5);
      const log = logRetentionOn(db, shard);
      expect(await log.step(table, BEFORE)).toStrictEqual({ status: "removed", rows: 7 });
      expect(await log.step(table, BEFORE)).toStrictEqual({ status: "removed", rows: 0 });
      expect(await times(table)).toStrictEqual(Array.from({ length: 5 }, () => "2026-01-10T00:00:00.000Z"));
    },
  );

  it.each(TABLES)("%s is cleared in steps of limited size, the oldest rows of each first", async (table) => {
    for (const day of ["03", "01", "02", "04"]) await add(table, `2026-01-${day}T00:00:00Z`, 25);
    const log = logRetentionOn(db, shard, { stepRowsMax: 10 });
    const steps: number[] = [];
    do {
      const answer = await log.step(table, BEFORE);
      steps.push(answer.status === "removed" ? answer.rows : Number.NaN);
      if (table !== "signal_log_entries" && steps.length === 3)
        expect((await times(table))[0]).toBe("2026-01-02T00:00:00.000Z");
    } while (steps.at(-1) !== 0);
    expect(Math.max(...steps)).toBe(10);
    expect(steps.reduce((sum, rows) => sum + rows, 0)).toBe(100);
    expect(await times(table)).toStrictEqual([]);
  });

  it.each(["signal_log", "signal_log_entries"] as const)("%s of another shard stays", async (table) => {
    const other = freshPrefix();
    await add(table, OLD, 3, other);
    await add(table, OLD, 3);
    expect(await logRetentionOn(db, shard).step(table, BEFORE)).toMatchObject({ rows: 3 });
    expect(await times(table, other)).toHaveLength(3);
  });

  it.each(TABLES)("%s cleared by several routers at once loses each row once", async (table) => {
    await add(table, OLD, 200);
    const clear = async (): Promise<number> => {
      const log = logRetentionOn(db, shard, { stepRowsMax: 20 });
      let sum = 0;
      for (let step = 0; step < 20; step += 1) {
        const answer = await log.step(table, BEFORE);
        sum += answer.status === "removed" ? answer.rows : Number.NaN;
      }
      return sum;
    };
    const sums = await Promise.all([clear(), clear(), clear()]);
    expect(sums.reduce((sum, rows) => sum + rows, 0)).toBe(200);
    expect(await times(table)).toStrictEqual([]);
  });
});

describe.each(serverKinds)("a database of kind $kind that is unavailable", ({ create }) => {
  it("answers unavailable and removes nothing", async () => {
    const testDatabase = await create();
    const db = await testDatabase.open();
    await db.migrate();
    await db.close();
    const log = logRetentionOn(db, "");
    for (const table of TABLES) {
      expect(await log.step(table, BEFORE)).toStrictEqual({
        status: "unavailable",
        error: expect.any(String),
      });
    }
    await testDatabase.remove();
  });
});
