import { OUTCOMES_MAX } from "../shared/decide/chunks.ts";
import type { Entry } from "../shared/entry.ts";
import { NO_EFFECTS, type EffectfulFunction, type Result, type Unavailable } from "../shared/function.ts";
import type { LogConflict, LogStore } from "../shared/io/log/log-store.ts";
import { logRowsOf, type LogRows, type LogStream, type SignalRow } from "../shared/log-rows.ts";
import { unmatchedResults, type UnmatchedPorts } from "./unmatched-reports.ts";

/**
 * Writes entries of `signal_results` and `system_events` to the log tables. An entry that is no record, or that Postgres
 * refuses for what it contains, is `dead`; its neighbours are stored. Without Postgres, the rest is `unavailable`.
 */
export const persistLog: EffectfulFunction<PersistContext> = async function* (entries, context) {
  for (const { readable, malformed } of parsedChunks(entries, context.stream)) {
    if (malformed.length > 0) yield malformed;
    if (!(yield* store(readable, context))) return;
  }
};

export interface PersistContext extends UnmatchedPorts {
  readonly stream: LogStream;
  readonly log: LogStore;
}

interface Readable {
  readonly entry: Entry;
  readonly rows: LogRows;
}

/** Entries that are parsed and stored together. */
interface Chunk {
  readonly readable: Readable[];
  readonly malformed: Result[];
}

/**
 * The entries, in their order, in chunks of at most {@link OUTCOMES_MAX} entries and outcomes, or of a single entry. Each is
 * parsed when its turn comes, so that only a chunk and the entry behind it are in memory: 256 records of 5,000 outcomes each
 * took 246 MB when they were parsed at once, and one statement of 13 s; in chunks they take 5 MB, and 0.3 s each.
 */
function* parsedChunks(entries: readonly Entry[], stream: PersistContext["stream"]): Generator<Chunk> {
  let chunk: Chunk = { readable: [], malformed: [] };
  let room = OUTCOMES_MAX;
  for (const entry of entries) {
    const parsed = logRowsOf(entry, stream);
    const weight = parsed.ok ? weightOf(parsed.rows) : 1;
    if (weight > room && room < OUTCOMES_MAX) {
      yield chunk;
      chunk = { readable: [], malformed: [] };
      room = OUTCOMES_MAX;
    }
    room -= weight;
    if (parsed.ok) chunk.readable.push({ entry, rows: parsed.rows });
    else {
      const { error } = parsed;
      chunk.malformed.push({ id: entry.id, status: "dead", reason: "invalid_record", error });
    }
  }
  yield chunk;
}

/** The entry itself and the outcomes it has. */
function weightOf({ signals }: LogRows): number {
  return signals.reduce((weight, { record }) => weight + record.outcomes.length, 1);
}

/**
 * Stores entries together; when Postgres refuses them, each half by itself, down to the entries it refuses.
 * @returns false when Postgres is unavailable
 */
async function* store(
  entries: readonly Readable[],
  context: PersistContext,
): AsyncGenerator<readonly Result[] | Unavailable, boolean> {
  const [first] = entries;
  if (first === undefined) return true;
  const answer = await context.log.write({
    signals: entries.flatMap(({ rows }) => rows.signals),
    outcomes: entries.flatMap(({ rows }) => rows.outcomes),
    uidOutcomes: entries.flatMap(({ rows }) => rows.uidOutcomes),
    attempts: entries.flatMap(({ rows }) => rows.attempts),
    reports: entries.flatMap(({ rows }) => rows.reports),
    invocations: entries.flatMap(({ rows }) => rows.invocations),
    events: entries.flatMap(({ rows }) => rows.events),
  });
  switch (answer.status) {
    case "unavailable":
      yield { status: "unavailable", what: "postgres", error: answer.error };
      return false;
    case "stored": {
      const conflicts = new Map(answer.conflicts.map((conflict) => [keyOf(conflict), conflict]));
      const unmatched = await unmatchedResults(entries, answer.unmatched, context);
      yield entries.map((stored) => unmatched.get(stored.entry.id) ?? storedResult(stored, conflicts));
      return true;
    }
    case "refused": {
      if (entries.length === 1) {
        const error = `Postgres refused the row (${answer.sqlstate}): ${answer.error}`;
        yield [{ id: first.entry.id, status: "dead", reason: "refused_row", error }];
        return true;
      }
      const middle = Math.ceil(entries.length / 2);
      return (
        (yield* store(entries.slice(0, middle), context)) && (yield* store(entries.slice(middle), context))
      );
    }
  }
}

function storedResult({ entry, rows }: Readable, conflicts: ReadonlyMap<string, LogConflict>): Result {
  const [signal] = rows.signals;
  const conflict = signal === undefined ? undefined : conflicts.get(keyOf(signal));
  if (signal === undefined || conflict === undefined || isStored(signal, conflict))
    return { id: entry.id, status: "done", effects: NO_EFFECTS };
  return { id: entry.id, status: "dead", level: "ERROR", ...conflictFault(signal, conflict) };
}

/** The conflict is with another decision on the same entry in this batch; this decision is the stored one. */
function isStored({ record }: SignalRow, { storedUid, storedStatus }: LogConflict): boolean {
  return record.uid === storedUid && record.status === storedStatus;
}

function conflictFault(
  { entryId, invocation, record }: SignalRow,
  { storedUid, storedStatus }: LogConflict,
): { reason: string; error: string } {
  const entry = `entry ${entryId} (${invocation})`;
  if (storedUid !== record.uid) {
    const cause =
      "two Redis servers share this database and KEY_PREFIX, or Redis was emptied and the same ids were used again";
    return {
      reason: "conflicting_uid",
      error: `signal_log already holds ${entry} with uid ${storedUid}, not ${record.uid}: ${cause}`,
    };
  }
  const cause = "its group was created again from an earlier entry, or Redis was restored from a backup";
  return {
    reason: "conflicting_decision",
    error: `signal_log already holds ${entry} as ${storedStatus}, and it has been decided again as ${record.status}: ${cause}`,
  };
}

function keyOf({ entryId, invocation }: { entryId: string; invocation: string }): string {
  return `${invocation} ${entryId}`;
}
