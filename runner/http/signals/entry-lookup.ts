import { compareEntryIds } from "../../../shared/entry-range.ts";
import { isEntryId } from "../../../shared/entry.ts";
import { signalLogReaderOn, type LogFindings } from "../../../shared/io/log/signal-log-reader.ts";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { deliveryStateOf } from "../../../shared/io/streams/delivery-state.ts";
import { deadLettersOf, recordsOf } from "../../../shared/io/streams/entry-traces.ts";
import type { Services } from "../../setup/services.ts";
import type { EntryView } from "./entry-schemas.ts";
import { entryView, isKnown, isLive, type LoggedEntry } from "./entry-view.ts";

type LookupDeps = Pick<Services, "redis" | "keys" | "database" | "config">;

/** Entries of one uid shown at once. */
const ENTRIES_MAX = 20;

/**
 * Everything known about one entry; undefined when neither Redis nor the log knows it. While Postgres is away it is
 * what Redis knows. @throws DatabaseError when Redis knows nothing and the log cannot be asked
 */
export async function lookUpEntry(id: string, deps: LookupDeps): Promise<EntryView | undefined> {
  const log = await unlessAway(readerOf(deps).of([id]));
  const [view] = await viewsOf([id], log.found, deps);
  if (view === undefined && log.found === undefined) throw log.away;
  return view;
}

export interface FoundEntries {
  /** The oldest first. */
  readonly entries: readonly EntryView[];
  /** True when there are more. */
  readonly truncated: boolean;
}

/**
 * The entries with this uid: those in the log, and the one Redis remembers as having dispatched it.
 * @throws DatabaseError when Redis remembers none and the log cannot be asked
 */
export async function lookUpUid(uid: string, deps: LookupDeps): Promise<FoundEntries> {
  const reader = readerOf(deps);
  const logged = await unlessAway(reader.entryIdsOf(uid, ENTRIES_MAX + 1));
  const holder = await deps.redis.get(deps.keys.dedup(uid));
  const held = holder !== null && isEntryId(holder) ? [holder] : [];
  if (logged.found === undefined && held.length === 0) throw logged.away;
  const ids = logged.found ?? [];
  const shown = [...new Set([...ids.slice(0, ENTRIES_MAX), ...held])].toSorted(compareEntryIds);
  const log = logged.found === undefined ? undefined : (await unlessAway(reader.of(shown))).found;
  return { entries: await viewsOf(shown, log, deps), truncated: ids.length > ENTRIES_MAX };
}

function readerOf({ database, config }: LookupDeps) {
  return signalLogReaderOn(database, config.keyPrefix);
}

/** What was found, or, while Postgres is away, the error that says so. */
type Asked<T> = { readonly found: T } | { readonly found: undefined; readonly away: DatabaseError };

async function unlessAway<T>(answer: Promise<T>): Promise<Asked<T>> {
  try {
    return { found: await answer };
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === "unavailable")
      return { found: undefined, away: error };
    throw error;
  }
}

/**
 * Each entry is looked for in the order in which it moves on, backwards: the log, then the stream and its group, then what is
 * in between. What moves meanwhile is seen where it was, or in two places, but not in none.
 */
async function viewsOf(
  ids: readonly string[],
  log: LogFindings | undefined,
  { redis, keys }: LookupDeps,
): Promise<EntryView[]> {
  const states = await Promise.all(
    ids.map(async (id) => ({ id, stream: await deliveryStateOf(redis, keys, id) })),
  );
  const letters = await deadLettersOf(redis, keys, ids);
  const findings = await Promise.all(
    states.map(async ({ id, stream }) => {
      const logged = log && loggedOf(id, log);
      const isToCome = stream.delivery.status === "waiting" || logged?.decisions.some(isLive) === true;
      const records = isToCome ? NO_RECORDS : await recordsOf(redis, keys, id);
      const moreDecisions = log?.moreDecisionsOf.has(id) === true;
      const truncated = moreDecisions || log?.moreOutcomes === true || !letters.complete || !records.complete;
      return {
        id,
        stream,
        logged,
        published: records.found,
        deadLetters: letters.found
          .filter(({ signalEntryId }) => signalEntryId === id)
          .map(({ letter }) => letter),
        moreDecisions,
        truncated,
      };
    }),
  );
  return findings.filter(isKnown).map(entryView);
}

const NO_RECORDS = { found: { signals: [], outcomes: [] }, complete: true };

function loggedOf(id: string, { decisions, outcomes, raw }: LogFindings): LoggedEntry {
  return {
    decisions: decisions.filter(({ entry_id }) => entry_id === id),
    outcomes: outcomes.filter(({ entry_id }) => entry_id === id),
    raw: raw.get(id),
  };
}
