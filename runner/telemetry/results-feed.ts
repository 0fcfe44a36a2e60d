import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Config } from "../../shared/config/config.ts";
import type { Entry } from "../../shared/entry.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { tailResults } from "../../shared/io/streams/results-tail.ts";
import type { Keys } from "../../shared/keys.ts";
import { feedItemsOn } from "./feed-items.ts";
import { feedViewer, type FeedViewer, type OpenViewer } from "./feed-viewer.ts";

/**
 * Follows the decisions and outcomes of all routers, for many viewers with one reader: it has a connection of its own, which is
 * open while there is a viewer. What a viewer does not read in time is dropped and counted.
 */
export interface ResultsFeed {
  /** A viewer of what is published from now on. `full`: there are {@link VIEWERS_MAX}. `unavailable`: Redis does not answer. */
  open(): Promise<FeedViewer | "full" | "unavailable">;
  /** Whether it reads. While Redis does not answer it does not; it continues where it was. */
  isReading(): boolean;
}

/** Viewers of one process. */
export const VIEWERS_MAX = 50;
const READ_COUNT_MAX = 500;
const BLOCK_MS = 1_000;
const RETRY_MS = 1_000;
/** Longest wait for the reader to begin. */
const BEGIN_MS_MAX = 3_000;

export interface FeedOptions {
  readonly redisUrl: string;
  /** For what does not block. */
  readonly redis: Redis;
  readonly keys: Keys;
  readonly consumer: string;
  readonly config: Pick<Config, "leaseMs">;
  readonly logger: Logger;
  /** The symbol in records for one as it was sent; default: normalised. */
  readonly symbolOf?: (text: string) => Promise<string>;
  /** Ends all viewers. */
  readonly stopping?: AbortSignal | undefined;
}

export function resultsFeedOn({
  redisUrl,
  redis,
  keys,
  consumer,
  config,
  logger,
  symbolOf,
  stopping,
}: FeedOptions): ResultsFeed {
  const viewers = new Set<OpenViewer>();
  const itemsOf = feedItemsOn(redis, keys, symbolOf);
  const isStopping = (): boolean => stopping?.aborted === true;
  let reader: { readonly began: Promise<void> } | undefined;
  let isReading = false;

  function startReading(): { readonly began: Promise<void> } {
    let begin: () => void = () => undefined;
    const began = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const blocking = openRedis({
      url: redisUrl,
      key: keys.stream("signals_stream"),
      leaseMs: config.leaseMs,
      role: "blocking",
      name: `${consumer}:feed`,
      blockMs: BLOCK_MS,
      onError: (error) => logger.debug({ err: error }, "Redis connection of the feed"),
    });
    const stop = (): void => {
      for (const viewer of viewers) viewer.end();
      blocking.disconnect();
    };
    stopping?.addEventListener("abort", stop, { once: true });
    void follow(blocking, begin).finally(() => {
      stopping?.removeEventListener("abort", stop);
      blocking.disconnect();
    });
    return { began };
  }

  /** Reads while there is a viewer; never rejects. */
  async function follow(blocking: Redis, began: () => void): Promise<void> {
    let tail: Awaited<ReturnType<typeof tailResults>> | undefined;
    // Kept until they are shown: names and symbols are read from Redis, too, and that may fail.
    let unshown: readonly Entry[] = [];
    while (viewers.size > 0 && !isStopping()) {
      try {
        if (tail === undefined) {
          tail = await tailResults(blocking, { keys, countMax: READ_COUNT_MAX, blockMs: BLOCK_MS });
          isReading = true;
          began();
        }
        if (unshown.length === 0) unshown = await tail.next();
        const items = unshown.length === 0 ? [] : await itemsOf(unshown);
        [unshown, isReading] = [[], true];
        for (const viewer of viewers) viewer.push(items);
      } catch (error) {
        isReading = false;
        if (isStopping()) break;
        logger.debug({ err: error }, "the feed cannot read and tries again");
        await pause(RETRY_MS);
      }
    }
    // In the same step as the last look at the viewers, so that the next one starts a new reader.
    [reader, isReading] = [undefined, false];
    began();
  }

  return {
    async open() {
      if (viewers.size >= VIEWERS_MAX) return "full";
      const viewer = feedViewer({ onClose: () => viewers.delete(viewer) });
      viewers.add(viewer);
      reader ??= startReading();
      const waited = new AbortController();
      const late = pause(BEGIN_MS_MAX, true, { signal: waited.signal }).catch(() => true);
      const isLate = await Promise.race([reader.began.then(() => false), late]);
      waited.abort();
      if (!isLate && isReading && !isStopping()) return viewer;
      viewer.close();
      return "unavailable";
    },
    isReading: () => isReading,
  };
}
