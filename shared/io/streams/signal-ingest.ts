import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { openRedis } from "../redis/connection.ts";

/** The way into `signals_stream` for those who wait for an answer. */
export interface SignalIngest {
  /**
   * Adds an entry and gives its id once Redis has confirmed it; calls do not wait for each other.
   * @throws NotConfirmed when it has not within `msMax`, or refuses. The entry may have been added all the same.
   */
  add(fields: Fields, limits: { readonly msMax: number }): Promise<string>;
  close(): void;
}

/** Redis has not said that the entry is there; the message says why, and holds nothing of the entry. */
export class NotConfirmed extends Error {
  override readonly name = "NotConfirmed";
}

export interface SignalIngestOptions {
  readonly url: string;
  readonly keys: Keys;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** Told of every connection error; the client reconnects by itself. */
  readonly onError: (error: Error) => void;
}

/** As long as a caller waits at most: a server silent for that long is given up, and the connection made anew. */
const ANSWER_MS_MAX = 2_000;

/** Opens a connection of its own, so that no other command is waited for; Redis need not be there yet. */
export function openSignalIngest({ url, keys, name, onError }: SignalIngestOptions): SignalIngest {
  const redis = openRedis({ url, role: "commands", name, answerMsMax: ANSWER_MS_MAX, onError });
  // Each call that waits for the connection listens for `ready`.
  redis.setMaxListeners(0);
  const key = keys.stream("signals_stream");

  const addWhenReady = async (fields: Fields, given: AbortSignal): Promise<string> => {
    // Never left to the client's own queue: an alert that was answered as lost must not be sent when nobody waits for it.
    while (redis.status !== "ready") await nextReady(redis, given);
    const id = await redis.xadd(key, "*", ...Object.entries(fields).flat());
    if (id === null) throw new Error("no entry id in the answer");
    return id;
  };

  return {
    async add(fields, { msMax }) {
      const ended = new AbortController();
      const late = pause(msMax, undefined, { signal: ended.signal }).then(() => {
        throw new NotConfirmed(
          `no confirmation within ${Math.round(msMax)} ms (connection: ${redis.status})`,
        );
      });
      try {
        return await Promise.race([addWhenReady(fields, ended.signal), late]);
      } catch (error) {
        if (error instanceof NotConfirmed) throw error;
        // Without the error itself: ioredis' carry the command with all its arguments.
        throw new NotConfirmed(error instanceof Error ? error.message : String(error));
      } finally {
        // Whichever lost the race ends too; the race has taken note of its rejection.
        ended.abort();
      }
    },
    close: () => redis.disconnect(),
  };
}

async function nextReady(redis: Redis, given: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    redis.once("ready", resolve);
    const giveUp = (): void => {
      redis.off("ready", resolve);
      reject(new Error("given up"));
    };
    given.addEventListener("abort", giveUp, { once: true });
  });
}
