import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import type { Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { readGroupInfos } from "./group-info.ts";
import { readPending } from "./pending-entries.ts";
import { entryPages } from "./read-entries.ts";

/** Finds the tasks of decisions in `strategy_input_stream`, and where each of them is. */

/** The tasks that one decision has dispatched. */
export interface Dispatch {
  readonly entryId: string;
  readonly invocation: string;
  /** Milliseconds since 1970, by Redis' clock. */
  readonly decidedAt: number;
  readonly strategyIds: readonly number[];
}

export interface TaskState {
  /** Its entry, whose time is that of the dispatch. */
  readonly id: string;
  readonly entryId: string;
  readonly invocation: string;
  readonly strategyId: number;
  /** `waiting`: not delivered yet · `pending`: with a consumer, which has not ended it · `ended`: acknowledged. */
  readonly status: "waiting" | "pending" | "ended";
  readonly consumer: string | null;
  /** Attempts that were begun; null unless it is pending. */
  readonly attempts: number | null;
  /** Since it was delivered, begun or last vouched for. */
  readonly idleMs: number | null;
}

/** Entries that are read for one decision. */
const SCANNED_MAX = 1_000;
/** Decisions are up to 2 s ahead of their commit. */
const AHEAD_MS_MAX = 2_000;

/** Those that are still in the stream: it is trimmed by age. */
export async function tasksOf(
  redis: Redis,
  keys: Keys,
  dispatches: readonly Dispatch[],
): Promise<TaskState[]> {
  const found = (await Promise.all(dispatches.map(async (each) => entriesOf(redis, keys, each)))).flat();
  if (found.length === 0) return [];
  const key = keys.stream("strategy_input_stream");
  const group = keys.group("strategy_executor");
  const info = (await readGroupInfos(redis, key)).find(({ name }) => name === group);
  return Promise.all(
    found.map(async ({ id, fields }): Promise<TaskState> => {
      const [pending] =
        info === undefined ? [] : await readPending(redis, { key, group, from: id, to: id, countMax: 1 });
      const isWaiting = info === undefined || compareEntryIds(id, info.lastDeliveredId) > 0;
      return {
        id,
        entryId: fields["entry_id"] ?? "",
        invocation: fields["invocation"] ?? "",
        strategyId: Number(fields["strategy_id"]),
        status: pending === undefined ? (isWaiting ? "waiting" : "ended") : "pending",
        consumer: pending?.consumer ?? null,
        attempts: pending?.deliveries ?? null,
        idleMs: pending?.idleMs ?? null,
      };
    }),
  );
}

async function entriesOf(
  redis: Redis,
  keys: Keys,
  { entryId, invocation, decidedAt, strategyIds }: Dispatch,
): Promise<Entry[]> {
  const found: Entry[] = [];
  if (strategyIds.length === 0) return found;
  const from = `${Math.max(0, decidedAt - AHEAD_MS_MAX)}-0`;
  let scanned = 0;
  for await (const page of entryPages(redis, keys.stream("strategy_input_stream"), { from, to: "+" })) {
    found.push(
      ...page.filter(({ fields }) => fields["entry_id"] === entryId && fields["invocation"] === invocation),
    );
    scanned += page.length;
    if (found.length >= strategyIds.length || scanned >= SCANNED_MAX) break;
  }
  return found;
}
