import { decidedUids } from "../../decide/exit-uid.ts";
import type { Fields } from "../../entry.ts";
import type { SignalRecord } from "../../records.ts";
import type { Side } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { NUMERIC_ENTRY_ID } from "./search-statement.ts";

/** The log of one shard, read by entry id or uid. Every method throws DatabaseError. */
export interface SignalLogReader {
  of(entryIds: readonly string[]): Promise<LogFindings>;
  /** Ids of the entries with this uid, also of exits that brought it, the oldest first. */
  entryIdsOf(uid: string, countMax: number): Promise<string[]>;
}

/** A row of `signal_log` without its raw fields. Times are ISO 8601, UTC. */
export interface LoggedDecision extends Omit<SignalRecord, "outcomes" | "raw" | "side"> {
  readonly side: Side | null;
  readonly entry_id: string;
  readonly invocation: string;
  readonly logged_at: string;
  /** The manual run it was made in; null for `live`, and while the row in `invocations` is missing. */
  readonly asked_for: AskedFor | null;
}

/** A manual run, as it is recorded in `invocations`. */
export interface AskedFor {
  readonly kind: string;
  readonly mode: string | null;
  readonly requested_by: string | null;
  readonly reason: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
}

/** A row of `signal_log_entries`. */
export interface LoggedOutcome {
  readonly entry_id: string;
  readonly invocation: string;
  readonly strategy_id: number;
  /** Its name today; null when the strategy no longer exists. */
  readonly strategy: string | null;
  readonly stage: LogStage;
  /** Tells the attempts, and the reports, of one strategy apart. */
  readonly part: string;
  /** Of a report, the worker's own word. */
  readonly status: string;
  readonly reason: string | null;
  readonly detail: Record<string, unknown>;
  readonly attempt: number | null;
  readonly duration_ms: number | null;
  readonly at: string;
  readonly logged_at: string;
}

export const LOG_STAGES = ["routing", "execution", "attempt", "report"] as const;
export type LogStage = (typeof LOG_STAGES)[number];

/** All that the log contains about some entries at one moment. */
export interface LogFindings {
  /** The newest first; for each entry the live one and the newest others. */
  readonly decisions: readonly LoggedDecision[];
  /** By strategy, the live ones first. */
  readonly outcomes: readonly LoggedOutcome[];
  /** Raw fields by entry id. */
  readonly raw: ReadonlyMap<string, Fields>;
  /** Entries that have more decisions than are given here. */
  readonly moreDecisionsOf: ReadonlySet<string>;
  /** True when there are more outcomes than are given here. */
  readonly moreOutcomes: boolean;
}

/** Per entry. Beside the live one these are runs started by people, so there are hardly ever so many. */
const DECISIONS_MAX = 50;
/** For all entries together. */
const OUTCOMES_MAX = 5_000;

/** Ids as JSON text, since the drivers encode arrays differently; as an SQL array they are looked up in the index. */
const ASKED = "entry_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))";

const selectDecisions = (table: NameTable): string => `
  SELECT d.*, i.kind, i.mode, i.requested_by, i.reason AS requested_because, i.started_at, i.finished_at
  FROM (
    SELECT entry_id, invocation, uid, status, reason, detail, signal_id, direction, side, symbol, message, source, bar_time,
      sent_at, received_at, decided_at, snapshot, duplicate_of, logged_at,
      row_number() OVER (PARTITION BY entry_id ORDER BY invocation = 'live' DESC, decided_at DESC, invocation) AS rank
    FROM ${table("signal_log")} WHERE shard = $1 AND ${ASKED}
  ) d LEFT JOIN ${table("invocations")} i ON i.id = d.invocation
  WHERE rank <= $3 ORDER BY d.decided_at DESC, d.invocation`;

/** In the order of time: the routing, then attempts, the execution, and what workers reported. */
const selectOutcomes = (table: NameTable): string => `
  SELECT o.entry_id, o.invocation, o.strategy_id, s.name AS strategy, o.stage, o.part, o.status, o.reason, o.detail, o.attempt,
    o.duration_ms, o.at, o.logged_at
  FROM ${table("signal_log_entries")} o LEFT JOIN ${table("strategies")} s ON s.id = o.strategy_id
  WHERE o.shard = $1 AND o.${ASKED}
  ORDER BY o.invocation = 'live' DESC, o.invocation, o.strategy_id,
    array_position(ARRAY['routing', 'attempt', 'execution', 'report'], o.stage), o.at, o.part COLLATE "C" LIMIT $3`;

const selectRaw = (table: NameTable): string => `
  SELECT DISTINCT ON (entry_id) entry_id, raw FROM ${table("signal_log")} WHERE shard = $1 AND ${ASKED}
  ORDER BY entry_id, invocation = 'live' DESC`;

const selectEntryIds = (table: NameTable): string => `
  SELECT entry_id FROM ${table("signal_log")} WHERE shard = $1 AND uid IN ($3, $4, $5, $6)
  GROUP BY entry_id ORDER BY ${NUMERIC_ENTRY_ID} LIMIT $2`;

/** Reads the log that `logStoreOn` writes under the same shard. */
export function signalLogReaderOn(db: Database, shard: string): SignalLogReader {
  const { table } = db;
  return {
    of: async (entryIds) =>
      db.readOnly(async (query) => {
        const asked = [shard, JSON.stringify(entryIds)];
        const decisions = await query<StoredDecision>(selectDecisions(table), [...asked, DECISIONS_MAX + 1]);
        const outcomes = await query<StoredOutcome>(selectOutcomes(table), [...asked, OUTCOMES_MAX + 1]);
        const raw = await query<{ entry_id: string; raw: Fields }>(selectRaw(table), asked);
        return {
          // The live one has rank 1, whatever its age.
          decisions: decisions.filter(({ rank }) => rank <= DECISIONS_MAX).map(decisionOf),
          outcomes: outcomes.slice(0, OUTCOMES_MAX).map(outcomeOf),
          raw: new Map(raw.map((row) => [row.entry_id, row.raw])),
          moreDecisionsOf: new Set(
            decisions.filter(({ rank }) => rank > DECISIONS_MAX).map(({ entry_id }) => entry_id),
          ),
          moreOutcomes: outcomes.length > OUTCOMES_MAX,
        };
      }),
    async entryIdsOf(uid, countMax) {
      const params = [shard, countMax, ...decidedUids(uid)];
      const rows = await db.query<{ entry_id: string }>(selectEntryIds(table), params);
      return rows.map(({ entry_id }) => entry_id);
    },
  };
}

type StoredOutcome = Omit<LoggedOutcome, "at" | "logged_at"> & {
  readonly at: Date;
  readonly logged_at: Date;
};

function outcomeOf({ at, logged_at, ...row }: StoredOutcome): LoggedOutcome {
  return { ...row, at: at.toISOString(), logged_at: logged_at.toISOString() };
}

type Timed = "bar_time" | "sent_at" | "received_at" | "decided_at" | "logged_at";

type StoredDecision = Omit<LoggedDecision, Timed | "asked_for"> &
  Omit<AskedFor, "kind" | "reason" | "started_at" | "finished_at"> & {
    readonly bar_time: Date | null;
    readonly sent_at: Date | null;
    readonly received_at: Date;
    readonly decided_at: Date;
    readonly logged_at: Date;
    readonly kind: string | null;
    readonly requested_because: string | null;
    readonly started_at: Date | null;
    readonly finished_at: Date | null;
    readonly rank: number;
  };

function decisionOf(stored: StoredDecision): LoggedDecision {
  const { kind, mode, requested_by, requested_because, started_at, finished_at, rank: _, ...row } = stored;
  return {
    ...row,
    bar_time: row.bar_time?.toISOString() ?? null,
    sent_at: row.sent_at?.toISOString() ?? null,
    received_at: row.received_at.toISOString(),
    decided_at: row.decided_at.toISOString(),
    logged_at: row.logged_at.toISOString(),
    asked_for:
      kind === null || started_at === null
        ? null
        : {
            kind,
            mode,
            requested_by,
            reason: requested_because,
            started_at: started_at.toISOString(),
            finished_at: finished_at?.toISOString() ?? null,
          },
  };
}
