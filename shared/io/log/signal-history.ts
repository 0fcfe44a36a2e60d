import type { EntryRange } from "../../entry-range.ts";
import type { Fields } from "../../entry.ts";
import type { RoutingOutcome } from "../../records.ts";
import type { Direction, Side } from "../../reference/reference.ts";
import type { ReplayDecision, LoggedSignal } from "../../replay/replay-decision.ts";
import { withNotedOrder } from "../../signal/extra.ts";
import type { Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** The signals in `signal_log` of one shard, as replays need them. Every method throws DatabaseError. */
export interface SignalHistory {
  /** Ids of the entries that arrived in this range and have a row, in no order; any `countMax` of them, or the newest. */
  idsBetween(range: EntryRange, countMax: number, which?: "any" | "newest"): Promise<string[]>;
  /** Ids of the entries with one of these uids, by uid; up to `countMax` of them. */
  idsOfUids(uids: readonly string[], countMax: number): Promise<readonly { entryId: string; uid: string }[]>;
  /** Those of these entries that have a row, of any invocation. */
  decidedAmong(ids: readonly string[]): Promise<Set<string>>;
  /** The decisions on these entries, by entry id. */
  signals(ids: readonly string[]): Promise<Map<string, LoggedSignal>>;
}

/**
 * The text bounds find the rows through the primary key, for one number of digits at a time, so that the order of the hyphen in
 * the collation does not matter; the numbers then select exactly. DISTINCT and LIMIT are inside, so that a span with millions
 * of rows is read only as far as needed. Entries posted on demand (`manual`) never arrived.
 */
const selectIdsBetween = (table: NameTable, order: "ASC" | "DESC"): string => `
  SELECT found.entry_id
  FROM jsonb_to_recordset($2::jsonb) AS span (low text, high text, digits integer), LATERAL (
    SELECT DISTINCT entry_id FROM ${table("signal_log")}
    WHERE shard = $1 AND entry_id BETWEEN span.low AND span.high AND strpos(entry_id, '-') = span.digits + 1
      AND (split_part(entry_id, '-', 1)::numeric, split_part(entry_id, '-', 2)::numeric)
        BETWEEN ($3::numeric, $4::numeric) AND ($5::numeric, $6::numeric)
      AND NOT EXISTS (SELECT FROM ${table("invocations")} i WHERE i.id = invocation AND i.kind = 'manual')
    ORDER BY entry_id ${order} LIMIT $7
  ) found LIMIT $7`;

const selectIdsOfUids = (table: NameTable): string => `
  SELECT DISTINCT log.entry_id, log.uid
  FROM jsonb_array_elements_text($2::jsonb) AS asked (uid) JOIN ${table("signal_log")} log ON log.uid = asked.uid
  WHERE log.shard = $1 AND NOT EXISTS (SELECT FROM ${table("invocations")} i WHERE i.id = log.invocation AND i.kind = 'manual')
  LIMIT $3`;

const selectDecidedAmong = (table: NameTable): string => `
  SELECT asked.entry_id FROM jsonb_array_elements_text($2::jsonb) AS asked (entry_id), LATERAL (
    SELECT FROM ${table("signal_log")} WHERE shard = $1 AND entry_id = asked.entry_id LIMIT 1
  ) log`;

/** LIMIT makes Postgres look up row by row even while the table has no statistics. */
const selectSignals = (table: NameTable): string => `
  SELECT log.entry_id, log.uid, log.status, log.reason, log.direction, log.side, log.detail, log.raw, log.snapshot, log.decided_at,
    log.duplicate_of, EXISTS (
      SELECT FROM ${table("invocations")} i WHERE i.id = log.invocation AND i.kind = 'replay' AND i.mode = 'force'
    ) AS forced, COALESCE((
      SELECT jsonb_agg(jsonb_build_object(
        'strategy_id', o.strategy_id, 'status', o.status, 'reason', o.reason, 'detail', o.detail
      ) ORDER BY o.strategy_id)
      FROM ${table("signal_log_entries")} o
      WHERE o.shard = $1 AND o.entry_id = log.entry_id AND o.invocation = log.invocation AND o.stage = 'routing'
    ), '[]') AS outcomes
  FROM jsonb_array_elements_text($2::jsonb) AS asked (entry_id), LATERAL (
    SELECT * FROM ${table("signal_log")} WHERE shard = $1 AND entry_id = asked.entry_id
    ORDER BY invocation <> 'live', decided_at, invocation LIMIT 1
  ) log`;

interface StoredSignal extends Omit<ReplayDecision, "decided_at" | "outcomes"> {
  readonly entry_id: string;
  readonly uid: string | null;
  readonly direction: Direction | null;
  readonly side: Side | null;
  readonly raw: Fields;
  readonly decided_at: Date;
  readonly forced: boolean;
  readonly outcomes: readonly Omit<RoutingOutcome, "strategy">[];
}

/** The history of the signals of one shard. */
export function signalHistoryOn(db: Database, shard: string): SignalHistory {
  const { table } = db;
  return {
    async idsBetween(range, countMax, which = "any") {
      const [fromTime, fromSequence] = range.from.split("-");
      const [toTime, toSequence] = range.to.split("-");
      const numbers = [fromTime, fromSequence, toTime, toSequence];
      const params = [shard, JSON.stringify(textSpansOf(range)), ...numbers, countMax];
      const rows = await db.query<{ entry_id: string }>(
        selectIdsBetween(table, which === "newest" ? "DESC" : "ASC"),
        params,
      );
      return rows.map((row) => row.entry_id);
    },
    async idsOfUids(uids, countMax) {
      const params = [shard, JSON.stringify(uids), countMax];
      const rows = await db.query<{ entry_id: string; uid: string }>(selectIdsOfUids(table), params);
      return rows.map(({ entry_id, uid }) => ({ entryId: entry_id, uid }));
    },
    async decidedAmong(ids) {
      const rows = await db.query<{ entry_id: string }>(selectDecidedAmong(table), [
        shard,
        JSON.stringify(ids),
      ]);
      return new Set(rows.map((row) => row.entry_id));
    },
    async signals(ids) {
      const rows = await db.query<StoredSignal>(selectSignals(table), [shard, JSON.stringify(ids)]);
      return new Map(rows.map((row) => [row.entry_id, loggedSignal(row)]));
    },
  };
}

interface TextSpan {
  readonly low: string;
  readonly high: string;
  /** Of the times in its ids. */
  readonly digits: number;
}

/**
 * The bounds of a range as text, for each number of digits the times can have: with equal numbers the digits decide before the
 * hyphen is compared. The most digits come first, since those are the usual ids.
 */
function textSpansOf({ from, to }: EntryRange): TextSpan[] {
  const [first = "", last = ""] = [from, to].map((id) => id.split("-")[0]);
  const spans: TextSpan[] = [];
  for (let digits = last.length; digits >= first.length; digits -= 1) {
    const low = digits === first.length ? first : `1${"0".repeat(digits - 1)}`;
    const high = digits === last.length ? last : "9".repeat(digits);
    spans.push({ low, high: `${high}-${"9".repeat(20)}`, digits });
  }
  return spans;
}

function loggedSignal({
  entry_id,
  uid,
  direction,
  side,
  raw,
  forced,
  decided_at,
  outcomes,
  ...rest
}: StoredSignal): LoggedSignal {
  const { status, reason, detail, snapshot, duplicate_of } = rest;
  const decision: ReplayDecision = {
    status,
    reason,
    detail,
    snapshot,
    decided_at: decided_at.toISOString(),
    duplicate_of,
    outcomes: outcomes.map((outcome) => ({ ...outcome, strategy: null })),
  };
  return { entryId: entry_id, uid, direction, side, forced, raw: withNotedOrder(raw, detail), decision };
}
