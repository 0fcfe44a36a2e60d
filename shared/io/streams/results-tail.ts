import type { Redis } from "ioredis";
import type { Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { entryOf, lastEntryId } from "./read-entries.ts";

/** Follows `signal_results` without a group: no consumer loses a record. */
export interface ResultsTail {
  /** The records after those read before, as soon as there are any; none after `blockMs`. */
  next(): Promise<Entry[]>;
  /** Continues with the records that are added from now on. */
  skipToEnd(): Promise<void>;
}

export interface ResultsTailOptions {
  readonly keys: Keys;
  readonly countMax: number;
  readonly blockMs: number;
}

/** A tail that starts with the records added from now on. `blocking` is a connection of its own. */
export async function tailResults(
  blocking: Redis,
  { keys, countMax, blockMs }: ResultsTailOptions,
): Promise<ResultsTail> {
  const key = keys.stream("signal_results");
  const end = async (): Promise<string> => (await lastEntryId(blocking, key)) ?? "0";
  let after = await end();
  return {
    async next() {
      const reply = await blocking.xread("COUNT", countMax, "BLOCK", blockMs, "STREAMS", key, after);
      const entries = (reply?.[0]?.[1] ?? []).map(entryOf);
      after = entries.at(-1)?.id ?? after;
      return entries;
    },
    async skipToEnd() {
      after = await end();
    },
  };
}
