import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { logRowsOf } from "../../log-rows.ts";
import { readPending } from "./pending-entries.ts";
import { entryOf } from "./read-entries.ts";

const PAGE_COUNT = 500;

/** Uids of the decisions in `signal_results` that were delivered to `log_writer` and are not acknowledged. */
export async function pendingDecisionUids(redis: Redis, keys: Keys): Promise<ReadonlySet<string>> {
  const key = keys.stream("signal_results");
  const uids = new Set<string>();
  for (let from = "-"; ;) {
    const page = await readPending(redis, { key, group: "log_writer", from, countMax: PAGE_COUNT });
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
