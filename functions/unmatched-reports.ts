import { compareEntryIds } from "../shared/entry-range.ts";
import { entryTime, type Entry } from "../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../shared/function.ts";
import type { LogRows } from "../shared/log-rows.ts";
import { reportCounter } from "../shared/metrics.ts";
import { UNKNOWN_AFTER_MS, UNKNOWN_AFTER_MS_IN_FLOOD } from "../shared/worker-report.ts";

/** What becomes of records whose uid leads to no dispatch in the log: they wait for it, or are given up on without an error. */
export interface UnmatchedPorts {
  /** Redis' clock, milliseconds since 1970. */
  now(): number;
  /** Records that were delivered and are not acknowledged. */
  pendingCount(): Promise<number>;
  /** May be as of some seconds ago. */
  pendingDecisions(): Promise<PendingDecisions>;
  /** Called with the number of records that lead to no decision. */
  onUnknown(count: number): void;
}

/** Decisions that were delivered and are not stored yet: after an outage they may be older than an hour. */
export interface PendingDecisions {
  readonly uids: ReadonlySet<string>;
  /** The last record that was delivered before they were read. */
  readonly until: string;
}

/** So many records waiting cost each loop little; more of them come from a program that reports uids of its own. */
const WAITING_MAX = 10_000;

interface Stored {
  readonly entry: Entry;
  readonly rows: LogRows;
}

/** The results of the entries with these ids. */
export async function unmatchedResults(
  entries: readonly Stored[],
  unmatched: readonly string[],
  ports: UnmatchedPorts,
): Promise<ReadonlyMap<string, Result>> {
  const results = new Map<string, Result>();
  if (unmatched.length === 0) return results;
  const ids = new Set(unmatched);
  const isFlood = (await ports.pendingCount()) > WAITING_MAX;
  const oldest = ports.now() - (isFlood ? UNKNOWN_AFTER_MS_IN_FLOOD : UNKNOWN_AFTER_MS);
  const old: { readonly id: string; readonly uid: string }[] = [];
  for (const { entry, rows } of entries) {
    const [row] = [...rows.uidOutcomes, ...rows.reports];
    if (row === undefined || !ids.has(entry.id)) continue;
    // The sender may have chosen the time of its report.
    if (Math.min(row.reportedAt, entryTime(entry.id)) < oldest) old.push({ id: entry.id, uid: row.uid });
    else results.set(entry.id, waiting(entry.id, row.uid));
  }
  if (old.length === 0) return results;
  const pending = await ports.pendingDecisions();
  // Of a record that was delivered later the decision may have been so as well.
  const mayWait = ({ id, uid }: { id: string; uid: string }): boolean =>
    pending.uids.has(uid) || compareEntryIds(id, pending.until) > 0;
  const unknown = old.filter((one) => !mayWait(one));
  for (const { id, uid } of old.filter(mayWait)) results.set(id, waiting(id, uid));
  for (const { id } of unknown)
    results.set(id, { id, status: "done", effects: { ...NO_EFFECTS, count: [reportCounter("unknown")] } });
  if (unknown.length > 0) ports.onUnknown(unknown.length);
  return results;
}

function waiting(id: string, uid: string): Result {
  const error = `the log has no dispatch of ${uid} to its strategy yet`;
  return { id, status: "retry", error, expected: true, uncounted: true };
}
