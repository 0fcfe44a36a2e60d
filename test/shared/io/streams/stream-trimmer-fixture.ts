import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach } from "vitest";
import {
  streamTrimmerOn,
  type StreamTrimmer,
  type TrimmedStream,
  type TrimStep,
} from "../../../../shared/io/streams/stream-trimmer.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis, entriesIn } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

/** Streams to trim: entries of chosen ages, and groups at chosen positions. */

/** Long enough that no entry of a test reaches it while the test runs. */
export const RETENTION_MS = 3_600_000;
export const NODE_ENTRIES = 3;

export const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
/** Twelve entries, four nodes: half of them too old. */
export const HALF_OLD = [...Array.from({ length: 6 }, () => 5), ...Array.from({ length: 6 }, () => 0.5)];

interface GroupState {
  readonly delivered: number;
  readonly unacknowledged?: readonly number[];
}

/** A server of its own, since the size of a stream's nodes, which are removed as a whole, is the server's setting. */
export function ownTrimmer() {
  let server: RedisServer;
  let redis: Redis;
  let keys: Keys;
  let trimmer: StreamTrimmer;
  let now: number;

  /** Continues under a new prefix, where there are no streams. */
  function startAnew(options: { readonly stepCountMax?: number } = {}): void {
    keys = keysOf(freshPrefix());
    trimmer = streamTrimmerOn(redis, keys, { retentionMs: RETENTION_MS, ...options });
  }

  beforeAll(async () => {
    server = await startRedis();
    redis = connectRedis(server.url);
    await redis.config("SET", "stream-node-max-entries", NODE_ENTRIES);
  });
  beforeEach(async () => {
    startAnew();
    now = Number((await redis.time())[0]) * 1000;
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Adds one entry for each age, given in retentions, oldest first; gives their ids. */
  async function addAged(stream: TrimmedStream, ages: readonly number[]): Promise<string[]> {
    const pipeline = redis.pipeline();
    ages.forEach((age, n) =>
      pipeline.xadd(keys.stream(stream), `${Math.round(now - age * RETENTION_MS)}-${n}`, "n", n),
    );
    return ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
  }

  /** A group that was delivered the first `delivered` entries and has acknowledged all of them but some. */
  async function addGroup(
    stream: TrimmedStream,
    group: string,
    { delivered, unacknowledged = [] }: GroupState,
  ): Promise<void> {
    const key = keys.stream(stream);
    await redis.xgroup("CREATE", key, group, "0");
    if (delivered === 0) return;
    const entries = (await entriesIn(redis, key)).slice(0, delivered);
    await redis.call("XREADGROUP", "GROUP", group, "c", "COUNT", delivered, "STREAMS", key, ">");
    const done = entries.map(({ id }) => id).filter((_, n) => !unacknowledged.includes(n));
    if (done.length > 0) await redis.xack(key, group, ...done);
  }

  /** Trims until a step removes nothing. */
  async function trim(stream: TrimmedStream): Promise<TrimStep> {
    let removed = 0;
    for (;;) {
      const step = await trimmer.step(stream);
      removed += step.removed;
      if (step.removed === 0) return { ...step, removed };
    }
  }

  /** What is left of the stream, as positions in the list of ages it was made from. */
  async function left(stream: TrimmedStream): Promise<number[]> {
    return (await entriesIn(redis, keys.stream(stream))).map(({ fields }) => Number(fields["n"]));
  }

  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
    get keys() {
      return keys;
    },
    get trimmer() {
      return trimmer;
    },
    /** Redis' clock before the test, milliseconds since 1970. */
    get now() {
      return now;
    },
    startAnew,
    addAged,
    addGroup,
    trim,
    left,
  };
}
