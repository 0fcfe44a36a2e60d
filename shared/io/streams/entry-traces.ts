import type { Redis } from "ioredis";
import { parseDeadLetter, type DeadLetter } from "../../dead-letter.ts";
import { entryTime, type Entry } from "../../entry.ts";
import type { Keys, StreamName } from "../../keys.ts";
import { logRowsOf, type LogRows } from "../../log-rows.ts";
import { entryPages } from "./read-entries.ts";

/** Dead letters or records about some entries. No key finds them by an entry's id, so the stream is scanned. */
export interface Traces<Found> {
  readonly found: Found;
  /** False when the stream holds more than one scan reads. */
  readonly complete: boolean;
}

/** Entries that one scan reads. */
const SCANNED_MAX = 2_000;

/** A dead letter with the entry of `signals_stream` it is about. */
export interface TracedDeadLetter {
  readonly signalEntryId: string;
  readonly letter: DeadLetter;
}

/**
 * Dead letters about entries of `signals_stream`: the entries' own, and those of their records and tasks. `all`: however many
 * there are, and whatever their time, since Redis' clock may have been set back.
 */
export async function deadLettersOf(
  redis: Redis,
  keys: Keys,
  entryIds: readonly string[],
  { all = false }: { readonly all?: boolean } = {},
): Promise<Traces<readonly TracedDeadLetter[]>> {
  if (entryIds.length === 0) return { found: [], complete: true };
  const wanted = new Set(entryIds);
  const scope = all
    ? ({ stream: "dead_letters", from: "-", scannedMax: Infinity } as const)
    : ({ stream: "dead_letters", from: earliestOf(entryIds), scannedMax: SCANNED_MAX } as const);
  return scan(redis, keys, scope, (entry) => {
    const stored = parseDeadLetter(entry);
    if (!stored.ok) return undefined;
    const { letter } = stored;
    const { id, fields } = letter.entry;
    const signalEntryId = letter.stream === "signals_stream" ? id : fields["entry_id"];
    return signalEntryId !== undefined && wanted.has(signalEntryId) ? { signalEntryId, letter } : undefined;
  });
}

/** The published records about one entry. */
export type EntryRecords = Pick<LogRows, "signals" | "attempts" | "outcomes">;

/** The records about an entry of `signals_stream` that are still in `signal_results`, whether or not the log has them. */
export async function recordsOf(redis: Redis, keys: Keys, entryId: string): Promise<Traces<EntryRecords>> {
  const from = earliestOf([entryId]);
  const scope = { stream: "signal_results", from, scannedMax: SCANNED_MAX } as const;
  const { found, complete } = await scan(redis, keys, scope, (entry) => {
    if (entry.fields["entry_id"] !== entryId) return undefined;
    const parsed = logRowsOf(entry, "signal_results");
    return parsed.ok ? parsed.rows : undefined;
  });
  return {
    found: {
      signals: found.flatMap((rows) => rows.signals),
      attempts: found.flatMap((rows) => rows.attempts),
      outcomes: found.flatMap((rows) => rows.outcomes),
    },
    complete,
  };
}

interface ScanScope {
  readonly stream: StreamName;
  readonly from: string;
  readonly scannedMax: number;
}

/** The time from which anything can be about these entries. */
function earliestOf(entryIds: readonly string[]): string {
  return `${Math.min(...entryIds.map(entryTime))}-0`;
}

/** What `find` gives, from this id on. */
async function scan<Found>(
  redis: Redis,
  keys: Keys,
  { stream, from, scannedMax }: ScanScope,
  find: (entry: Entry) => Found | undefined,
): Promise<Traces<Found[]>> {
  const found: Found[] = [];
  let scanned = 0;
  for await (const page of entryPages(redis, keys.stream(stream), { from, to: "+" })) {
    for (const entry of page) {
      if (scanned === scannedMax) return { found, complete: false };
      scanned += 1;
      const trace = find(entry);
      if (trace !== undefined) found.push(trace);
    }
  }
  return { found, complete: true };
}
