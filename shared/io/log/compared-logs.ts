import type { LogComparison } from "../../compare/compare-logs.ts";
import type { OurSignal } from "../../compare/logged-signal.ts";
import { oldSignalOf, type OldRow } from "../../compare/old-row.ts";
import { normaliseSymbol } from "../../signal/signal.ts";
import type { Database } from "../postgres/database.ts";
import { msOf, OldLogError, oldLogSelection, type OldLogSelection } from "./old-log-table.ts";
import { NUMERIC_ENTRY_ID } from "./search-statement.ts";

/** Reads the log of the router before, and this one's, in pages and in the order in which signals were received. */

export interface ComparedLogsOptions {
  /** The log of the router before: a table, or schema.table. */
  readonly table: string;
  readonly shard: string;
  /** Milliseconds since 1970; default: where both logs have rows. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Gets the times of the comparison, and gives where the rows go. */
  readonly start: (span: ComparedSpan) => LogComparison;
}

export interface ComparedSpan {
  readonly from: number;
  readonly to: number;
  /** Whether an end is that of a log. */
  readonly isCommon: boolean;
}

/** Rows so near outside of the window are read as well, as partners: the two routers have received a signal at two times. */
const MARGIN_MS = 60_000;
const PAGE = 2_000;

/** Compares both logs as of one moment. @throws OldLogError, DatabaseError */
export async function readComparedLogs(db: Database, options: ComparedLogsOptions): Promise<LogComparison> {
  return db.readOnly(async (query) => {
    const old = await oldLogSelection(query, options.table);
    const span = await spanOf(query, db, old, options);
    const comparison = options.start(span);
    const between = `BETWEEN ${span.from - MARGIN_MS} AND ${span.to + MARGIN_MS}`;
    const oldRows = pagesOf<OldRow>(
      query,
      "old_log",
      `SELECT ${old.columns}, ${old.at} AS at FROM ${old.from} WHERE ${old.at} ${between} ORDER BY at${old.order}`,
    );
    const ourRows = pagesOf<OurRow>(query, "our_log", selectOurs(db, between), [options.shard]);
    let [ours, theirs] = [await ourRows.next(), await oldRows.next()];
    while (ours.done !== true || theirs.done !== true) {
      // Ours first among equals; which log is first makes no difference to a pair.
      if (ours.done !== true && (theirs.done === true || ours.value.at <= theirs.value.at)) {
        comparison.addOurs(ourSignalOf(ours.value));
        ours = await ourRows.next();
      } else if (theirs.done !== true) {
        comparison.addOld(oldSignalOf(theirs.value));
        theirs = await oldRows.next();
      }
    }
    return comparison;
  });
}

/** The rows of a statement by a cursor of Postgres, which needs neither an index nor memory for all of them. */
async function* pagesOf<Row>(
  query: Database["query"],
  cursor: string,
  statement: string,
  params: readonly unknown[] = [],
): AsyncGenerator<Row, undefined> {
  await query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${statement}`, params);
  for (;;) {
    const page = await query<Row>(`FETCH ${PAGE} FROM ${cursor}`);
    yield* page;
    if (page.length < PAGE) return undefined;
  }
}

interface Ends {
  readonly first: number | null;
  readonly last: number | null;
}

async function spanOf(
  query: Database["query"],
  { table }: Database,
  old: OldLogSelection,
  { table: name, shard, from, to }: ComparedLogsOptions,
): Promise<ComparedSpan> {
  const [theirs] = await query<Ends>(
    `SELECT min(${old.at}) AS first, max(${old.at}) AS last FROM ${old.from}`,
  );
  const at = msOf("received_at");
  const [ours] = await query<Ends>(
    `SELECT min(${at}) AS first, max(${at}) AS last FROM ${table("signal_log")} WHERE shard = $1 AND invocation = 'live'`,
    [shard],
  );
  const [oldFirst, oldLast] = [theirs?.first ?? null, theirs?.last ?? null];
  const [ourFirst, ourLast] = [ours?.first ?? null, ours?.last ?? null];
  if (oldFirst === null || oldLast === null) throw new OldLogError(`${name} has no rows to compare with`);
  if (ourFirst === null || ourLast === null)
    throw new OldLogError(
      `signal_log has no live decisions under the shard ${JSON.stringify(shard)}: give this command the environment of the router to compare`,
    );
  const span = { from: from ?? Math.max(oldFirst, ourFirst), to: to ?? Math.min(oldLast, ourLast) };
  if (span.from > span.to) {
    const text = (ms: number): string => new Date(ms).toISOString();
    throw new OldLogError(
      `there is nothing to compare: ${name} has signals from ${text(oldFirst)} to ${text(oldLast)}, this router from ${text(ourFirst)} to ${text(ourLast)}; give --from and --to inside of both`,
    );
  }
  return { ...span, isCommon: from === undefined || to === undefined };
}

/** A row of `signal_log`. */
interface OurRow extends Omit<OurSignal, "dispatched" | "written"> {
  readonly written_message: string | null;
  readonly written_symbol: string | null;
}

const selectOurs = ({ table }: Database, between: string): string => `
  SELECT l.entry_id AS id, ${msOf("l.received_at")} AS at, l.symbol, l.signal_id AS "signalId", l.direction, l.message,
    ${msOf("l.bar_time")} AS "barTime", l.status, l.reason, l.detail->>'field' AS field,
    l.raw->>'message' AS written_message, l.raw->>'symbol' AS written_symbol,
    ARRAY(SELECT o.strategy_id FROM ${table("signal_log_entries")} o
      WHERE o.shard = l.shard AND o.entry_id = l.entry_id AND o.invocation = l.invocation AND o.stage = 'routing'
        AND o.status IN ('dispatched', 'shadow')) AS strategies
  FROM ${table("signal_log")} l
  WHERE l.shard = $1 AND l.invocation = 'live' AND ${msOf("l.received_at")} ${between}
  ORDER BY at, ${NUMERIC_ENTRY_ID}`;

/** What a router without orders of its own (`shadow`) would have dispatched counts as dispatched. */
function ourSignalOf({ written_message, written_symbol, ...row }: OurRow): OurSignal {
  const isDispatched = row.status === "dispatched" || row.strategies.length > 0;
  // The router before knows neither aliases nor X.P beside X.
  const symbol = written_symbol === null ? row.symbol : normaliseSymbol(written_symbol);
  const written = { message: written_message, symbol: written_symbol };
  return { ...row, symbol, dispatched: isDispatched, written };
}
