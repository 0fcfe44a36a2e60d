import { afterAll, beforeAll } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import type { EventRow, LogRows, OutcomeRow, SignalRow } from "../../../../shared/log-rows.ts";
import type { InvocationRecord } from "../../../../shared/records.ts";
import type { TestDatabase } from "../postgres/databases.ts";

/** Rows of the log with everything filled in, and a database to write them to. */

export const AT = "2026-01-02T03:04:05.678Z";
export const ROUTED = {
  strategy_id: 7,
  strategy: "seven",
  status: "ignored",
  reason: "paused",
  detail: { by: "op" },
} as const;
export const NOTHING: LogRows = { signals: [], outcomes: [], invocations: [], events: [] };

export function signal(entryId: string, record: Partial<SignalRow["record"]> = {}): SignalRow {
  const defaults: SignalRow["record"] = {
    duplicate_of: null,
    uid: `uid of ${entryId}`,
    status: "dispatched",
    reason: null,
    detail: { age_ms: 12 },
    signal_id: 3,
    direction: "long",
    symbol: "BTCUSDT",
    message: "EMA_CROSS_LONG",
    source: "tradingview",
    raw: { message: 'it\'s "quoted" \\ {1,2}\nünï', empty: "" },
    bar_time: AT,
    sent_at: null,
    received_at: AT,
    decided_at: AT,
    snapshot: "abc",
    outcomes: [],
  };
  return { entryId, invocation: "live", record: { ...defaults, ...record } };
}

export function outcome(entryId: string, record: Partial<OutcomeRow["record"]> = {}): OutcomeRow {
  const detail = { order: "o-1" };
  const defaults = {
    strategy_id: 7,
    status: "executed",
    reason: null,
    detail,
    attempt: 1,
    duration_ms: 25,
    at: AT,
  } as const;
  return { entryId, invocation: "live", record: { ...defaults, ...record } };
}

export function event(eventId: string, row: Partial<EventRow> = {}): EventRow {
  const defaults = {
    at: AT,
    level: "INFO",
    source: "runner",
    message: "started",
    details: { n: 1 },
    actionFlag: true,
  };
  return { eventId, ...defaults, ...row };
}

export function invocation(id: string, record: Partial<InvocationRecord> = {}): InvocationRecord {
  const defaults: InvocationRecord = {
    id,
    kind: "dead_letter",
    mode: null,
    snapshot: "abc",
    requested_by: "ann",
    reason: "the constraint is gone",
    selection: { dead_letters: ["1-0"] },
    started_at: AT,
    finished_at: null,
    counts: null,
  };
  return { ...defaults, ...record };
}

/** A migrated database for the tests of a suite. */
export interface LogDatabase {
  readonly db: Database;
  /** Rows of a table of the log, in order. */
  readonly stored: (table: string, shard: string) => Promise<Record<string, unknown>[]>;
}

/** Creates it before the tests and removes it after them. */
export function useLogDatabase(create: () => Promise<TestDatabase>): LogDatabase {
  let own: { place: TestDatabase; db: Database } | undefined;
  beforeAll(async () => {
    const place = await create();
    const db = await place.open();
    own = { place, db };
    await db.migrate();
  });
  afterAll(async () => {
    await own?.db.close();
    await own?.place.remove();
  });
  const database: LogDatabase = {
    get db() {
      if (own === undefined) throw new Error("the database is there during the tests only");
      return own.db;
    },
    stored: async (table, shard) =>
      database.db.query(`SELECT * FROM ${table} WHERE shard = $1 ORDER BY entry_id, invocation`, [shard]),
  };
  return database;
}
