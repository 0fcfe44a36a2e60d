import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { onAbort } from "../../abort.ts";
import type { Fields } from "../../entry.ts";
import { messageOf } from "../../error-message.ts";
import type { Keys } from "../../keys.ts";
import { openRedis } from "../redis/connection.ts";

/** Adds entries to `signals_stream` for callers that wait for an answer. */
export interface SignalIngest {
  /**
   * Adds an entry and gives its id once Redis has confirmed it; calls do not wait for each other.
   * @throws NotConfirmedError when Redis refuses or does not answer within `msMax`. The entry may have been added all the same.
   */
  add(fields: Fields, limits: { readonly msMax: number }): Promise<string>;
  close(): void;
}

/** Redis has not confirmed that the entry was added; the message says why, and contains nothing of the entry. */
export class NotConfirmedError extends Error {
  override readonly name = "NotConfirmedError";
}

export interface SignalIngestOptions {
  readonly url: string;
  readonly keys: Keys;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** Called on every connection error; the client reconnects by itself. */
  readonly onError: (error: Error) => void;
}

/** No caller waits longer: after so long without an answer the connection is replaced. */
const ANSWER_MS_MAX = 2_000;

/** Opens a connection of its own, so that no call waits for other commands; Redis may be unavailable now. */
export function openSignalIngest({ url, keys, name, onError }: SignalIngestOptions): SignalIngest {
  const redis = openRedis({ url, role: "commands", name, answerMsMax: ANSWER_MS_MAX, onError });
  // Each call that waits for the connection listens for `ready`.
  redis.setMaxListeners(0);
  const key = keys.stream("signals_stream");

  const addWhenReady = async (fields: Fields, abort: AbortSignal): Promise<string> => {
    // The client's own queue is not used: it would still send an alert that was already reported as not confirmed.
    while (redis.status !== "ready") await nextReady(redis, abort);
    const id = await redis.xadd(key, "*", ...Object.entries(fields).flat());
    if (id === null) throw new Error("Redis answered without an entry id");
    return id;
  };

  return {
    async add(fields, { msMax }) {
      const ended = new AbortController();
      const timeout = pause(msMax, undefined, { signal: ended.signal }).then(() => {
        throw new NotConfirmedError(
          `no confirmation within ${Math.round(msMax)} ms (connection: ${redis.status})`,
        );
      });
      try {
        return await Promise.race([addWhenReady(fields, ended.signal), timeout]);
      } catch (error) {
        if (error instanceof NotConfirmedError) throw error;
        // The error itself is not passed on: errors of ioredis hold the command with all its arguments.
        throw new NotConfirmedError(messageOf(error));
      } finally {
        // Ends the one that lost the race; the race has handled its rejection.
        ended.abort();
      }
    },
    close: () => redis.disconnect(),
  };
}

async function nextReady(redis: Redis, abort: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stopListening = onAbort(abort, () => {
      redis.off("ready", onReady);
      reject(new Error("aborted"));
    });
    const onReady = (): void => {
      stopListening();
      resolve();
    };
    redis.once("ready", onReady);
  });
}
