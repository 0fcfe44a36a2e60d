import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { streamGroupOn, type StreamGroup } from "../../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis } from "../../../servers/redis-contents.ts";

export const STREAM = "signals_stream";
export const GROUP = "signal_processor";

/** A stream and a group of a test's own, with two consumers. */
export interface StreamGroupFixture {
  readonly redis: Redis;
  readonly blocking: Redis;
  readonly keys: Keys;
  /** The stream's. */
  readonly key: string;
  readonly mine: StreamGroup;
  readonly other: StreamGroup;
  readonly groupOf: (consumer: string, connection?: Redis) => StreamGroup;
  /** Adds entries and delivers them to `mine`. */
  readonly deliver: (count: number) => Promise<string[]>;
  /** Lets the entries look as if they had been idle for this long, with so many deliveries. */
  readonly age: (ids: readonly string[], idleMs: number, deliveries?: number) => Promise<void>;
  /** What is pending in `mine`. */
  readonly pending: (idleMs?: number) => ReturnType<StreamGroup["pending"]>;
}

export function useStreamGroup(): StreamGroupFixture {
  let redis: Redis;
  let blocking: Redis;
  let own: { keys: Keys; key: string; mine: StreamGroup; other: StreamGroup } | undefined;
  const there = (): NonNullable<typeof own> => {
    if (own === undefined) throw new Error("the group is there during a test only");
    return own;
  };
  beforeAll(() => {
    redis = connectRedis();
    blocking = openRedis({
      url: redisUrl(),
      role: "blocking",
      name: "test-blocking",
      blockMs: 10_000,
      onError(error) {
        throw error;
      },
    });
  });
  beforeEach(async () => {
    const keys = keysOf(freshPrefix());
    const key = keys.stream(STREAM);
    await redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM");
    const groupOf = (consumer: string) =>
      streamGroupOn(redis, keys, { stream: STREAM, group: GROUP, consumer });
    own = { keys, key, mine: groupOf("mine"), other: groupOf("other") };
  });
  afterAll(() => {
    blocking.disconnect();
    redis.disconnect();
  });
  return {
    get redis() {
      return redis;
    },
    get blocking() {
      return blocking;
    },
    get keys() {
      return there().keys;
    },
    get key() {
      return there().key;
    },
    get mine() {
      return there().mine;
    },
    get other() {
      return there().other;
    },
    groupOf: (consumer, connection = redis) =>
      streamGroupOn(connection, there().keys, { stream: STREAM, group: GROUP, consumer }),
    async deliver(count) {
      const ids = await addEntries(redis, there().key, count);
      await there().mine.read(blocking, { countMax: count, blockMs: 0 });
      return ids;
    },
    async age(ids, idleMs, deliveries = 1) {
      const flags = ["IDLE", idleMs, "RETRYCOUNT", deliveries, "JUSTID"] as const;
      await redis.xclaim(...([there().key, GROUP, "mine", 0, ...ids, ...flags] as const));
    },
    pending: async (idleMs = 0) => there().mine.pending({ idleMs, countMax: 1000 }),
  };
}
