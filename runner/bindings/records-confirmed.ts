import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Unavailable } from "../../shared/function.ts";
import type { Confirm } from "../../shared/io/redis/confirm.ts";
import { stillPending } from "../../shared/io/streams/pending-entries.ts";
import { unconfirmed } from "./tasks-confirmed.ts";

/** Records that replicas have, and those that a fail-over took back. */
export interface ConfirmedRecords {
  readonly present: readonly Entry[];
  readonly gone: readonly Entry[];
}

/**
 * What a fail-over takes back must not stand in the log, beside what is decided anew. A record that was read from another server than
 * the one that confirms is not pending there.
 */
export async function confirmedRecords(
  entries: readonly Entry[],
  group: { readonly key: string; readonly group: string },
  { redis, confirm }: { readonly redis: Redis; readonly confirm: Confirm },
): Promise<ConfirmedRecords | Unavailable> {
  const missing = await unconfirmed(confirm);
  if (missing !== undefined) return missing;
  try {
    const ids = entries.map(({ id }) => id);
    const pending = new Set(await stillPending(redis, group, ids));
    return {
      present: entries.filter(({ id }) => pending.has(id)),
      gone: entries.filter(({ id }) => !pending.has(id)),
    };
  } catch (error) {
    return { status: "unavailable", what: "redis", error: messageOf(error) };
  }
}
