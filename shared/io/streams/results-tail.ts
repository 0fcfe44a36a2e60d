import type { Redis } from "ioredis";
import { fieldsOf, type Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** Reads `signal_results` from a place on, without a group: nothing is taken away from anyone. */
export interface ResultsTail {
  /** The records after those read before, as soon as there are any; none after `blockMs`. */
  next(): Promise<Entry[]>;
  /** Goes on with what comes from now on. */
  skipToEnd(): Promise<void>;
}

export interface ResultsTailOptions {
  readonly keys: Keys;
  readonly countMax: number;
  readonly blockMs: number;
}

/** A tail that begins with what comes from now on. `blocking` is a connection of its own. */
export async function tailResults(
  blocking: Redis,
  { keys, countMax, blockMs }: ResultsTailOptions,
): Promise<ResultsTail> {
  const key = keys.stream("signal_results");
  async function end(): Promise<string> {
    const [last] = await blocking.xrevrange(key, "+", "-", "COUNT", 1);
    return last?.[0] ?? "0";
  }
  let after = await end();
  return {
    async next() {
      const reply = await blocking.xread("COUNT", countMax, "BLOCK", blockMs, "STREAMS", key, after);
      const entries = (reply?.[0]?.[1] ?? []).map(([id, fields]): Entry => ({
        id,
        fields: fieldsOf(fields),
      }));
      after = entries.at(-1)?.id ?? after;
      return entries;
    },
    async skipToEnd() {
      after = await end();
    },
  };
}
