import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import type { Keys } from "../../keys.ts";
import { logRowsOf } from "../../log-rows.ts";
import { readGroupInfos, type GroupInfo } from "./group-info.ts";
import { readPending } from "./pending-entries.ts";
import { entryOf } from "./read-entries.ts";

const PAGE_COUNT = 500;

/** Longest age of what was read, in ms. An older one only makes a record wait once more. */
const KEPT_MS = 10_000;

/** Whose decisions are delivered to `log_writer` and not stored: what {@link UnmatchedPorts} of persist-log ask for. */
export interface PendingDecisions {
  pendingCount(): Promise<number>;
  pendingUids(resultId: string): Promise<ReadonlySet<string>>;
}

/** Reads all that is pending at most once in {@link KEPT_MS}, but for records that were delivered after that. */
export function pendingDecisionsOn(redis: Redis, keys: Keys): PendingDecisions {
  let read: { uids: ReadonlySet<string>; until: string; at: number } | undefined;
  const groupInfo = async (): Promise<GroupInfo | undefined> =>
    (await readGroupInfos(redis, keys.stream("signal_results"))).find(
      ({ name }) => name === keys.group("log_writer"),
    );
  return {
    pendingCount: async () => (await groupInfo())?.pending ?? 0,
    async pendingUids(resultId) {
      const isKept = read !== undefined && performance.now() - read.at < KEPT_MS;
      if (read === undefined || !isKept || compareEntryIds(resultId, read.until) > 0) {
        const [at, until] = [performance.now(), (await groupInfo())?.lastDeliveredId ?? "0-0"];
        read = { uids: await pendingDecisionUids(redis, keys), until, at };
      }
      return read.uids;
    },
  };
}

/** Uids of the decisions in `signal_results` that were delivered to `log_writer` and are not acknowledged. */
async function pendingDecisionUids(redis: Redis, keys: Keys): Promise<ReadonlySet<string>> {
  const key = keys.stream("signal_results");
  const uids = new Set<string>();
  for (let from = "-"; ;) {
    const page = await readPending(redis, {
      key,
      group: keys.group("log_writer"),
      from,
      countMax: PAGE_COUNT,
    });
    const found = await Promise.all(page.map(async ({ id }) => redis.xrange(key, id, id)));
    for (const entry of found.flat().map(entryOf)) {
      const parsed = entry.fields["kind"] === "signal" ? logRowsOf(entry, "signal_results") : undefined;
      if (parsed?.ok !== true) continue;
      for (const { record } of parsed.rows.signals) if (record.uid !== null) uids.add(record.uid);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_COUNT) return uids;
    from = `(${last.id}`;
  }
}
