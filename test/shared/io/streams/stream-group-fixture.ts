import type { Redis } from "ioredis";
import { afterAll, beforeEach } from "vitest";
import { readTime } from "../../../../shared/io/redis/clock.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { inFlightHeartbeatOn } from "../../../../shared/io/streams/in-flight-heartbeats.ts";
import { type PendingEntry } from "../../../../shared/io/streams/pending-entries.ts";
import { streamGroupOn, type StreamGroup } from "../../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis } from "../../../servers/redis-contents.ts";

export const STREAM = "signals_stream";
export const GROUP = "signal_processor";

/** A group that is new for each test, with two of its consumers: `mine` and `other`. */
export function freshGroup() {
  const redis = connectRedis();
  const blocking = openRedis({
    key: "test",
    url: redisUrl(),
    role: "blocking",
    name: "test-blocking",
    blockMs: 10_000,
    onError(error) {
      throw error;
    },
  });
  let keys: Keys;
  let key: string;
  let mine: StreamGroup;

  const groupOf = (consumer: string, connection: Redis = redis): StreamGroup =>
    streamGroupOn(connection, keys, { stream: STREAM, group: GROUP, consumer });

  beforeEach(async () => {
    keys = keysOf(freshPrefix());
    key = keys.stream(STREAM);
    await redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM");
    mine = groupOf("mine");
  });
  afterAll(() => {
    blocking.disconnect();
    redis.disconnect();
  });

  /** Claims for a consumer; gives the ids it got, in order. */
  async function claim(consumer: string, ids: readonly string[], idleMs: number): Promise<readonly string[]> {
    const claimed = await groupOf(consumer).claim(ids, { idleMs, now: await readTime(redis) });
    if (claimed === "clock_set") throw new Error("the clock of the test's Redis was set");
    return claimed.map((one) => (one.status === "claimed" ? one.entry.id : `${one.id} is gone`));
  }

  /** Adds entries and delivers them to `mine`. */
  async function deliver(count: number): Promise<string[]> {
    const ids = await addEntries(redis, key, count);
    await mine.read(blocking, { countMax: count, blockMs: 0 });
    return ids;
  }

  /** Makes entries of `mine` look as if they had been idle for this long, with so many deliveries. */
  async function age(ids: readonly string[], idleMs: number, deliveries = 1): Promise<void> {
    await redis.xclaim(
      ...([key, GROUP, "mine", 0, ...ids, "IDLE", idleMs, "RETRYCOUNT", deliveries, "JUSTID"] as const),
    );
  }

  return {
    redis,
    blocking,
    get keys() {
      return keys;
    },
    get key() {
      return key;
    },
    get mine() {
      return mine;
    },
    get other() {
      return groupOf("other");
    },
    groupOf,
    deliver,
    age,
    claim,
    heartbeatOf: (consumer: string) =>
      inFlightHeartbeatOn(redis, keys, { stream: STREAM, group: GROUP, consumer }),
    pending: async (idleMs = 0): Promise<PendingEntry[]> => mine.pending({ idleMs, countMax: 1000 }),
  };
}
