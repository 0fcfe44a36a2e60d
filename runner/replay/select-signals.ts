import { createHash } from "node:crypto";
import { uidOfDecision } from "../../shared/decide/exit-uid.ts";
import { uidIn } from "../../shared/decide/resolve-symbol.ts";
import { canonicalEntryId, compareEntryIds, lastIdAt, type EntryRange } from "../../shared/entry-range.ts";
import type { Entry } from "../../shared/entry.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import type { Snapshot } from "../../shared/reference/snapshot.ts";
import { parseSignal, type SignalFacts } from "../../shared/signal/signal.ts";
import { storable } from "../../shared/text.ts";
import { idsInLog } from "./load-signals.ts";
import { ReplayRefused, type ReplayDeps, type ReplaySelection } from "./request.ts";

/**
 * Finds the entries a replay is about. Only their ids: even the largest selection takes only a few megabytes.
 * @throws ReplayRefused when they are more than `countMax`
 */
export async function selectSignals(
  selection: ReplaySelection,
  deps: SelectDeps,
  countMax: number,
): Promise<SelectedSignals> {
  switch (selection.kind) {
    case "range": {
      const { from, to = lastIdAt(await readTime(deps.redis)) } = selection;
      const range = { from, to };
      const ids = inOrder(await idsInRange(range, deps, countMax));
      return { ids, notFound: [], range, recorded: { ...range } };
    }
    case "since": {
      const { sinceMs, range = rangeUpTo(await readTime(deps.redis), sinceMs) } = selection;
      const recorded = { ...range, since_ms: sinceMs };
      return { ids: inOrder(await idsInRange(range, deps, countMax)), notFound: [], range, recorded };
    }
    case "ids":
      return existingIds([...new Set(selection.ids.map(canonicalEntryId))], deps);
    case "uids":
      return idsWithUids(selection.uids, deps, countMax);
  }
}

/** What a replay is about. */
export interface SelectedSignals {
  /** Entries that are in the stream or in the log, each once, in stream order. */
  readonly ids: readonly string[];
  /** Requested ids or uids that are in neither. */
  readonly notFound: readonly string[];
  /** Of signals that were chosen by time; undefined for others. */
  readonly range?: EntryRange;
  /** The selection as it is recorded with an invocation. */
  readonly recorded: Readonly<Record<string, unknown>>;
}

type SelectDeps = Pick<ReplayDeps, "redis" | "keys" | "database" | "routing">;

/** What arrived in the last `sinceMs` before `now`, both by Redis' clock: this machine's may be behind the newest entry. */
export function rangeUpTo(now: number, sinceMs: number): EntryRange {
  return { from: `${Math.max(0, now - sinceMs)}-0`, to: lastIdAt(now) };
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
  for (const id of await signalHistoryOn(database, keys.shard).idsBetween(range, countMax + 1)) ids.add(id);
  refuseTooMany(ids, countMax);
  return ids;
}

async function existingIds(requested: readonly string[], deps: SelectDeps): Promise<SelectedSignals> {
  const inStream = await signalStreamOn(deps.redis, deps.keys).byId(requested);
  const existing = new Set([...inStream.keys(), ...(await idsInLog(requested, deps))]);
  const notFound = requested.filter((id) => !existing.has(id));
  return { ids: inOrder(existing), notFound, recorded: { ids: requested } };
}

/** Searches the log, and the whole stream for signals that are not logged yet. */
async function idsWithUids(
  uids: readonly string[],
  { redis, keys, database, routing }: SelectDeps,
  countMax: number,
): Promise<SelectedSignals> {
  // In the form in which uids are stored.
  const requested = new Set(uids.map((uid) => storable(uid).trim()));
  const ids = new Set<string>();
  const seen = new Set<string>();
  const add = (id: string, uid: string): void => {
    ids.add(id);
    seen.add(uid);
  };
  const logged = await signalHistoryOn(database, keys.shard).idsOfUids([...requested], countMax + 1);
  for (const { entryId, uid } of logged) add(entryId, uid);
  const context = await routing.latest();
  const snapshot = "status" in context ? undefined : context.snapshot;
  for await (const page of signalStreamOn(redis, keys).all()) {
    for (const entry of page)
      for (const uid of uidsOf(entry, snapshot)) if (requested.has(uid)) add(entry.id, uid);
    refuseTooMany(ids, countMax);
  }
  refuseTooMany(ids, countMax);
  const notFound = [...requested].filter((uid) => !seen.has(uid));
  return { ids: inOrder(ids), notFound, recorded: { uids: [...requested] } };
}

/** Tells selections apart: a hash of the signals that were asked for. */
export function selectionHash({ recorded }: Pick<SelectedSignals, "recorded">): string {
  const asked = Object.entries(recorded).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(String).toSorted() : value,
  ]);
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 32);
}

/** What is read from an entry for people, also from a rejected one. */
export function factsIn(entry: Entry): Pick<SignalFacts, "uid" | "symbol" | "message"> {
  const parsed = parseSignal(entry, 0);
  const { uid, symbol, message } = parsed.status === "valid" ? parsed.signal : parsed.facts;
  return { uid, symbol, message };
}

/**
 * The uids that the signal in an entry may be recorded with: as it was sent, and as this snapshot has it. An exit has its own
 * alone: who replays an opening by its uid must not close what it opens.
 */
function uidsOf(entry: Entry, snapshot: Snapshot | undefined): readonly string[] {
  const parsed = parseSignal(entry, 0);
  if (parsed.status === "rejected") return parsed.facts.uid === null ? [] : [parsed.facts.uid];
  const { signal } = parsed;
  if (snapshot === undefined) return [signal.uid];
  const meaning = snapshot.subscriptions.get(signal.phrase);
  const asSent = meaning === undefined ? signal.uid : uidOfDecision(signal.uid, meaning);
  return [asSent, uidIn(signal, snapshot)];
}

function inOrder(ids: ReadonlySet<string>): string[] {
  return [...ids].toSorted(compareEntryIds);
}

function refuseTooMany(ids: ReadonlySet<string>, countMax: number): void {
  if (ids.size <= countMax) return;
  throw new ReplayRefused({
    kind: "invalid",
    code: "range_too_large",
    detail: `the selection has more than ${countMax} signals, the most a replay takes`,
    hint: "select a shorter range, then continue with the next one from its end",
  });
}
