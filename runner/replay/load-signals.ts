import { uidBeforeDecision } from "../../shared/decide/exit-uid.ts";
import type { Entry } from "../../shared/entry.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import type { LoggedSignal } from "../../shared/replay/replay-decision.ts";
import type { ReplayDeps } from "./request.ts";

/**
 * Loads the signals with these ids, in this order, from the stream or else from the log. Signals that have left both since
 * they were selected are missing.
 */
export async function loadSignals(
  ids: readonly string[],
  { redis, keys, database }: Pick<ReplayDeps, "redis" | "keys" | "database">,
): Promise<readonly LoadedSignal[]> {
  const [entries, logged] = await Promise.all([
    signalStreamOn(redis, keys).byId(ids),
    signalHistoryOn(database, keys.shard).signals(ids),
  ]);
  const found: LoadedSignal[] = [];
  for (const id of ids) {
    const inLog = logged.get(id) ?? null;
    const entry = entries.get(id);
    if (entry !== undefined) found.push({ entry, source: "stream", logged: inLog });
    else if (inLog !== null) found.push({ entry: { id, fields: inLog.raw }, source: "log", logged: inLog });
  }
  return found;
}

/** A signal with everything a replay needs to know about it. */
export interface LoadedSignal {
  readonly entry: Entry;
  readonly source: "stream" | "log";
  readonly logged: LoggedSignal | null;
}

/** The uid that a signal was decided with before, and keeps; undefined when the log has none. */
export function loggedUidOf({ logged }: Pick<LoadedSignal, "logged">): string | undefined {
  return logged === null || logged.uid === null ? undefined : uidBeforeDecision(logged.uid, logged);
}

/** The same of many, by entry id. */
export function loggedUidsOf(signals: readonly LoadedSignal[]): Map<string, string> {
  const uids = new Map<string, string>();
  for (const signal of signals) {
    const uid = loggedUidOf(signal);
    if (uid !== undefined) uids.set(signal.entry.id, uid);
  }
  return uids;
}

const IDS_PER_QUERY = 10_000;

/** Those of the entries that have a decision in the log. */
export async function idsInLog(
  ids: readonly string[],
  { database, keys }: Pick<ReplayDeps, "database" | "keys">,
): Promise<Set<string>> {
  const history = signalHistoryOn(database, keys.shard);
  const logged = new Set<string>();
  for (const batch of batchesOf(ids, IDS_PER_QUERY)) {
    for (const id of await history.decidedAmong(batch)) logged.add(id);
  }
  return logged;
}

/** Ids cut into batches of up to `count`. */
export function* batchesOf(ids: readonly string[], count: number): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += count) yield ids.slice(from, from + count);
}
