import { compareEntryIds, type EntryRange } from "../../shared/entry-range.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import type { ReplayDeps } from "./request.ts";

/** The newest signals that arrived in a range, from the stream and the log. Only their ids. */
export async function newestSignals(
  range: EntryRange,
  countMax: number,
  { redis, keys, database }: Pick<ReplayDeps, "redis" | "keys" | "database">,
): Promise<NewestSignals> {
  // One more than wanted, to know whether there are more.
  const [inStream, inLog] = await Promise.all([
    signalStreamOn(redis, keys).newestIds(range, countMax + 1),
    signalHistoryOn(database, keys.shard).idsBetween(range, countMax + 1, "newest"),
  ]);
  const ids = [...new Set([...inStream, ...inLog])].toSorted(compareEntryIds);
  return { ids: ids.slice(-countMax), isCut: ids.length > countMax };
}

export interface NewestSignals {
  /** In stream order. */
  readonly ids: readonly string[];
  /** The range has older ones, which are left out. */
  readonly isCut: boolean;
}
