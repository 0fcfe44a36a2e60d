import type { Redis } from "ioredis";
import type { Commit } from "../../commit.ts";
import { discardEffects, parseDeadLetter, type StoredDeadLetter } from "../../dead-letter.ts";
import type { Keys } from "../../keys.ts";
import { takeLease } from "../redis/lease.ts";
import { currentEntryPages, entryOf, type RawEntry } from "./read-entries.ts";

/** The stream `dead_letters`, to be read and discarded from by people. */
export interface DeadLetters {
  count(): Promise<number>;
  page(page: DeadLetterPage): Promise<StoredDeadLetter[]>;
  /** Undefined when there is none with this id. */
  get(id: string): Promise<StoredDeadLetter | undefined>;
  /**
   * All that are there now, oldest first, or those with these ids, each once; instead of one that is not there, its id.
   */
  chosen(letters: "all" | readonly string[]): AsyncGenerator<StoredDeadLetter | string>;
  /** Deletes one, in the same step as it adds the event that records this. */
  discard(commit: Commit, letter: StoredDeadLetter, note: DiscardNote): Promise<Discarded>;
}

export interface DeadLetterPage {
  readonly countMax: number;
  readonly newestFirst?: boolean;
  /** Id of the last one of the page before. */
  readonly after?: string;
}

export interface DiscardNote {
  readonly by: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
}

/** `gone`: it is no longer there · `in_use`: a retry or another discard of it is running, and has to end first. */
export type Discarded = "discarded" | "gone" | "in_use";

const DISCARD_MS_MAX = 10_000;

/** The dead letters over a connection for commands. */
export function deadLettersOn(redis: Redis, keys: Keys): DeadLetters {
  const key = keys.stream("dead_letters");

  async function page({ countMax, newestFirst = false, after }: DeadLetterPage): Promise<StoredDeadLetter[]> {
    return newestFirst
      ? parsed(await redis.xrevrange(key, startAfter(after, "+"), "-", "COUNT", countMax))
      : parsed(await redis.xrange(key, startAfter(after, "-"), "+", "COUNT", countMax));
  }

  async function* all(): AsyncGenerator<StoredDeadLetter> {
    for await (const entries of currentEntryPages(redis, key)) {
      for (const entry of entries) yield parseDeadLetter(entry);
    }
  }

  async function get(id: string): Promise<StoredDeadLetter | undefined> {
    return parsed(await redis.xrange(key, id, id))[0];
  }

  return {
    count: async () => redis.xlen(key),
    page,
    get,
    async *chosen(letters) {
      if (letters === "all") yield* all();
      else for (const id of new Set(letters)) yield (await get(id)) ?? id;
    },
    async discard(commit, letter, { by, at }) {
      const { id } = letter;
      const lease = await takeLease(redis, keys.lease("dead_letter", id), DISCARD_MS_MAX);
      if (lease === undefined) return "in_use";
      try {
        const item = { id, deadLetterId: id, effects: discardEffects(letter, by, at) };
        const [part] = await commit([item], { fence: { kind: "dead_letter" }, whenFull: "commit" });
        if (part?.answer.status === "blocked") {
          throw new Error(`Redis key ${part.answer.key} ${part.answer.problem}; nothing was discarded`);
        }
        const applied = part?.answer.status === "committed" && part.answer.outcomes[0] === "applied";
        return applied ? "discarded" : "gone";
      } finally {
        await lease.release();
      }
    },
  };
}

function startAfter(after: string | undefined, otherwise: "-" | "+"): string {
  return after === undefined ? otherwise : `(${after}`;
}

function parsed(reply: readonly RawEntry[]): StoredDeadLetter[] {
  return reply.map((raw) => parseDeadLetter(entryOf(raw)));
}
