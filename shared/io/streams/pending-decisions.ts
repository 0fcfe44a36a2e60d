import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { logRowsOf } from "../../log-rows.ts";
import { defineScript } from "../redis/connection.ts";
import { readGroupInfos, type GroupInfo } from "./group-info.ts";
import { pagesOf } from "./pages.ts";
import { readPending } from "./pending-entries.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";

const PAGE_COUNT = 512;
/** Entries that one script reads: about 1 ms. */
const SCRIPT_COUNT = 64;

/** KEYS 1 signal_results. ARGV entry ids. Returns those that are decisions; most that is pending for long is not. */
const SIGNALS_SCRIPT = `#!lua flags=no-writes
local found = {}
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  local fields = entry and entry[2] or {}
  for f = 1, #fields, 2 do
    if fields[f] == 'kind' and fields[f + 1] == 'signal' then found[#found + 1] = entry end
  end
end
return found
`;

/** What is pending is read at most once in so many ms, and for a fifth of the time, since there may be very much of it. */
const KEPT_MS = 10_000;
const REST_FACTOR = 4;

/** Whose decisions are delivered to `log_writer` and not stored, for records whose uid leads to none in the log. */
export function pendingDecisionsOn(redis: Redis, keys: Keys): DecisionPorts {
  let kept: DecisionsRead = { uids: new Set(), until: "0-0" };
  let keptUntil = -Infinity;
  const groupInfo = async (): Promise<GroupInfo | undefined> =>
    (await readGroupInfos(redis, keys.stream("signal_results"))).find(
      ({ name }) => name === keys.group("log_writer"),
    );
  return {
    pendingCount: async () => (await groupInfo())?.pending ?? 0,
    async pendingDecisions() {
      const startedAt = performance.now();
      if (startedAt >= keptUntil) {
        const until = (await groupInfo())?.lastDeliveredId ?? "0-0";
        kept = { uids: await pendingDecisionUids(redis, keys), until };
        const tookMs = performance.now() - startedAt;
        keptUntil = startedAt + tookMs + Math.max(KEPT_MS, REST_FACTOR * tookMs);
      }
      return kept;
    },
  };
}

interface DecisionPorts {
  pendingCount(): Promise<number>;
  pendingDecisions(): Promise<DecisionsRead>;
}

interface DecisionsRead {
  readonly uids: ReadonlySet<string>;
  /** The last entry that was delivered before they were read. */
  readonly until: string;
}

/** Uids of the decisions in `signal_results` that were delivered to `log_writer` and are not acknowledged. */
async function pendingDecisionUids(redis: Redis, keys: Keys): Promise<ReadonlySet<string>> {
  const key = keys.stream("signal_results");
  const signalsAmong = defineScript(redis, "signalsAmong", SIGNALS_SCRIPT);
  const uids = new Set<string>();
  for (let from = "-"; ;) {
    const page = await readPending(redis, {
      key,
      group: keys.group("log_writer"),
      from,
      countMax: PAGE_COUNT,
    });
    const ids = pagesOf(
      page.map(({ id }) => id),
      SCRIPT_COUNT,
    );
    const found = await Promise.all(ids.map(async (some) => signalsAmong([key], some)));
    for (const entry of (found as RawEntry[][]).flat().map(entryOf)) {
      const parsed = logRowsOf(entry, "signal_results");
      if (!parsed.ok) continue;
      for (const { record } of parsed.rows.signals) if (record.uid !== null) uids.add(record.uid);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_COUNT) return uids;
    from = `(${last.id}`;
  }
}
