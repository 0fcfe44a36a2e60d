import { canonicalEntryId, compareEntryIds, lastIdAt, type EntryRange } from "../../shared/entry-range.ts";
import type { Entry } from "../../shared/entry.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import { parseSignal } from "../../shared/signal/signal.ts";
import { storable } from "../../shared/text.ts";
import { ReplayRefused, type ReplayDeps, type ReplaySelection } from "./request.ts";

/** What a replay is about. */
export interface SelectedSignals {
  /** Entries that are in the stream or in the log, each once, in stream order. */
  readonly ids: readonly string[];
  /** Ids or uids that were asked for and are in neither. */
  readonly notFound: readonly string[];
  /** As it is recorded with an invocation. */
  readonly recorded: Readonly<Record<string, unknown>>;
}

type SelectDeps = Pick<ReplayDeps, "redis" | "keys" | "database">;

/** Ids looked for in the log at once. */
const IDS_PER_QUERY = 10_000;

/** The ids alone, of which even the largest selection takes few megabytes. @throws ReplayRefused when they are too many */
export async function selectSignals(
  selection: ReplaySelection,
  deps: SelectDeps,
  countMax: number,
): Promise<SelectedSignals> {
  switch (selection.kind) {
    case "range": {
      const range = await rangeOf(selection, deps);
      return { ids: inOrder(await idsInRange(range, deps, countMax)), notFound: [], recorded: { ...range } };
    }
    case "ids":
      return idsThatAre([...new Set(selection.ids.map(canonicalEntryId))], deps);
    case "uids":
      return idsWithUids([...new Set(selection.uids)], deps, countMax);
  }
}

/** Ids cut into batches of up to `count`. */
export function* batchesOf(ids: readonly string[], count: number): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += count) yield ids.slice(from, from + count);
}

/** Without an end it is now, by Redis' own clock, since this machine's may be behind the newest entry. */
async function rangeOf(
  { from, to }: Extract<ReplaySelection, { kind: "range" }>,
  { redis }: SelectDeps,
): Promise<EntryRange> {
  if (to !== undefined) return { from, to };
  const [seconds, microseconds] = await redis.time();
  const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  return { from, to: lastIdAt(now) };
}

async function idsInRange(
  range: EntryRange,
  { redis, keys, database }: SelectDeps,
  countMax: number,
): Promise<Set<string>> {
  const ids = new Set<string>();
  if (compareEntryIds(range.from, range.to) > 0) return ids;
  for await (const page of signalStreamOn(redis, keys).between(range)) {
    for (const { id } of page) ids.add(id);
    refuseTooMany(ids, countMax);
  }
  for (const id of await signalHistoryOn(database, keys.prefix).idsBetween(range, countMax + 1)) ids.add(id);
  refuseTooMany(ids, countMax);
  return ids;
}

async function idsThatAre(
  asked: readonly string[],
  { redis, keys, database }: SelectDeps,
): Promise<SelectedSignals> {
  const history = signalHistoryOn(database, keys.prefix);
  const there = new Set((await signalStreamOn(redis, keys).byId(asked)).keys());
  for (const batch of batchesOf(asked, IDS_PER_QUERY)) {
    for (const id of await history.decidedAmong(batch)) there.add(id);
  }
  const notFound = asked.filter((id) => !there.has(id));
  return { ids: inOrder(there), notFound, recorded: { ids: asked } };
}

/** Through the log, and for what is not logged yet through all of the stream. */
async function idsWithUids(
  given: readonly string[],
  { redis, keys, database }: SelectDeps,
  countMax: number,
): Promise<SelectedSignals> {
  // As uids are kept.
  const asked = new Set(given.map((uid) => storable(uid).trim()));
  const ids = new Set<string>();
  const seen = new Set<string>();
  const add = (id: string, uid: string): void => {
    ids.add(id);
    seen.add(uid);
  };
  const logged = await signalHistoryOn(database, keys.prefix).idsOfUids([...asked], countMax + 1);
  for (const { entryId, uid } of logged) add(entryId, uid);
  for await (const page of signalStreamOn(redis, keys).all()) {
    for (const entry of page) {
      const uid = uidIn(entry);
      if (uid !== null && asked.has(uid)) add(entry.id, uid);
    }
    refuseTooMany(ids, countMax);
  }
  refuseTooMany(ids, countMax);
  const notFound = [...asked].filter((uid) => !seen.has(uid));
  return { ids: inOrder(ids), notFound, recorded: { uids: [...asked] } };
}

/** The uid of the signal in an entry, also of one that is rejected; null when it has none. */
export function uidIn(entry: Entry): string | null {
  const parsed = parseSignal(entry, 0);
  return parsed.status === "valid" ? parsed.signal.uid : parsed.facts.uid;
}

function inOrder(ids: ReadonlySet<string>): string[] {
  return [...ids].toSorted(compareEntryIds);
}

function refuseTooMany(ids: ReadonlySet<string>, countMax: number): void {
  if (ids.size <= countMax) return;
  throw new ReplayRefused({
    kind: "invalid",
    code: "range_too_large",
    detail: `more than ${countMax} signals are chosen, which is the most a replay takes`,
    hint: "choose a shorter range, and go on from its end with the next",
  });
}
