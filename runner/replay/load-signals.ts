import type { Entry } from "../../shared/entry.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import type { LoggedSignal } from "../../shared/replay/replay-decision.ts";
import type { ReplayDeps } from "./request.ts";

/** A signal with everything a replay needs to know of it. */
export interface LoadedSignal {
  readonly entry: Entry;
  readonly source: "stream" | "log";
  readonly logged: LoggedSignal | null;
}

/**
 * The signals with these ids, in this order: as they are in the stream, or else as the log kept them. Those that have gone
 * from both since they were chosen are missing.
 */
export async function loadSignals(
  ids: readonly string[],
  { redis, keys, database }: Pick<ReplayDeps, "redis" | "keys" | "database">,
): Promise<readonly LoadedSignal[]> {
  const [entries, logged] = await Promise.all([
    signalStreamOn(redis, keys).byId(ids),
    signalHistoryOn(database, keys.prefix).signals(ids),
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
