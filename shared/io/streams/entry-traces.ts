import type { Redis } from "ioredis";
import type { DeadLetter } from "../../dead-letter.ts";
import { entryTime, fieldsOf } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { logRowsOf, type LogRows } from "../../log-rows.ts";
import { deadLettersOn } from "./dead-letters.ts";

/** Dead letters and published records carry an entry's id, but nothing finds them by it: they are looked through. */
export interface Traces<Found> {
  readonly found: Found;
  /** False when there was more than could be looked through. */
  readonly complete: boolean;
}

const PAGE_COUNT = 100;
/** Read through for one look, of either kind. */
const LOOKED_AT_MAX = 2_000;

/** A dead letter with the entry of `signals_stream` it is about. */
export interface TracedDeadLetter {
  readonly signalEntryId: string;
  readonly letter: DeadLetter;
}

/** Dead letters of entries of `signals_stream`: the entries' own, and those of their records and tasks. */
export async function deadLettersOf(
  redis: Redis,
  keys: Keys,
  entryIds: readonly string[],
): Promise<Traces<readonly TracedDeadLetter[]>> {
  const letters = deadLettersOn(redis, keys);
  const asked = new Set(entryIds);
  const found: TracedDeadLetter[] = [];
  const complete = await look(entryIds, async (after) => {
    const page = await letters.page({ countMax: PAGE_COUNT, after });
    for (const stored of page) {
      if (!stored.ok) continue;
      const { letter } = stored;
      const signalEntryId =
        letter.stream === "signals_stream" ? letter.entry.id : letter.entry.fields["entry_id"];
      if (signalEntryId !== undefined && asked.has(signalEntryId)) found.push({ signalEntryId, letter });
    }
    return page.map(({ id }) => id);
  });
  return { found, complete };
}

/** What is published about one entry. */
export type EntryRecords = Pick<LogRows, "signals" | "outcomes">;

/** The records about an entry of `signals_stream` that are still in `signal_results`, whether they are in the log or not. */
export async function recordsOf(redis: Redis, keys: Keys, entryId: string): Promise<Traces<EntryRecords>> {
  const key = keys.stream("signal_results");
  const found: LogRows[] = [];
  const complete = await look([entryId], async (after) => {
    const page = await redis.xrange(key, `(${after}`, "+", "COUNT", PAGE_COUNT);
    for (const [id, flat] of page) {
      const fields = fieldsOf(flat);
      if (fields["entry_id"] !== entryId) continue;
      const parsed = logRowsOf({ id, fields }, "signal_results");
      if (parsed.ok) found.push(parsed.rows);
    }
    return page.map(([id]) => id);
  });
  const signals = found.flatMap((rows) => rows.signals);
  return { found: { signals, outcomes: found.flatMap((rows) => rows.outcomes) }, complete };
}

/** Reads pages of a stream on from the time of the earliest entry, before which nothing can be about it. */
async function look(
  entryIds: readonly string[],
  readPage: (after: string) => Promise<string[]>,
): Promise<boolean> {
  if (entryIds.length === 0) return true;
  const from = Math.min(...entryIds.map(entryTime));
  let after = `${Math.max(0, from - 1)}-18446744073709551615`;
  for (let seen = 0; seen < LOOKED_AT_MAX; seen += PAGE_COUNT) {
    const ids = await readPage(after);
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE_COUNT) return true;
    after = last;
  }
  return false;
}
