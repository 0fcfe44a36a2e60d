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

/** Long enough that no entry of a test gets older than it while the test runs. */
export const RETENTION_MS = 3_600_000;
export const NODE_ENTRIES = 3;

/** What a group has been delivered, and which entries of that, by their place, it has not acknowledged. */
export interface GroupState {
  readonly delivered: number;
  readonly unacknowledged?: readonly number[];
}

/** A trimmer on streams of a test's own. */
export interface TrimmerFixture {
  readonly url: string;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly trimmer: StreamTrimmer;
  /** Redis' clock when the test began, in whole seconds. */
  readonly now: number;
  /** Begins anew on other keys. */
  readonly renew: (options?: { readonly stepCountMax?: number }) => void;
  /** Adds one entry for each age, given in retentions, oldest first; gives their ids. */
  readonly addAged: (stream: TrimmedStream, ages: readonly number[]) => Promise<string[]>;
  /** Adds a group that was delivered the first entries and has acknowledged all of them but some. */
  readonly addGroup: (stream: TrimmedStream, group: string, state: GroupState) => Promise<void>;
  /** Trims until nothing more goes. */
  readonly trim: (stream: TrimmedStream) => Promise<TrimStep>;
  /** What is left of the stream, as positions in the list of ages it was made from. */
  readonly left: (stream: TrimmedStream) => Promise<number[]>;
}

/** Starts a server of its own, since the size of a stream's nodes, which are removed as a whole, is the server's setting. */
export function useTrimmer(): TrimmerFixture {
  let server: RedisServer | undefined;
  let own: { redis: Redis; keys: Keys; trimmer: StreamTrimmer; now: number } | undefined;
  const there = (): NonNullable<typeof own> => {
    if (own === undefined) throw new Error("the trimmer is there during a test only");
    return own;
  };
  let redis: Redis;
  const renew: TrimmerFixture["renew"] = (options = {}) => {
    const keys = keysOf(freshPrefix());
    const trimmer = streamTrimmerOn(redis, keys, { retentionMs: RETENTION_MS, ...options });
    own = { redis, keys, trimmer, now: own?.now ?? 0 };
  };
  beforeAll(async () => {
    server = await startRedis();
    redis = connectRedis(server.url);
    await redis.config("SET", "stream-node-max-entries", NODE_ENTRIES);
  });
  beforeEach(async () => {
    renew();
    there().now = Number((await redis.time())[0]) * 1000;
  });
  afterAll(async () => {
    redis.disconnect();
    await server?.stop();
  });
  return {
    get url() {
      return server?.url ?? "";
    },
    get redis() {
      return there().redis;
    },
    get keys() {
      return there().keys;
    },
    get trimmer() {
      return there().trimmer;
    },
    get now() {
      return there().now;
    },
    renew,
    async addAged(stream, ages) {
      const { keys, now } = there();
      const pipeline = redis.pipeline();
      ages.forEach((age, n) =>
        pipeline.xadd(keys.stream(stream), `${Math.round(now - age * RETENTION_MS)}-${n}`, "n", n),
      );
      return ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
    },
    async addGroup(stream, group, { delivered, unacknowledged = [] }) {
      const key = there().keys.stream(stream);
      await redis.xgroup("CREATE", key, group, "0");
      if (delivered === 0) return;
      const entries = (await entriesIn(redis, key)).slice(0, delivered);
      await redis.call("XREADGROUP", "GROUP", group, "c", "COUNT", delivered, "STREAMS", key, ">");
      const done = entries.map(({ id }) => id).filter((_, n) => !unacknowledged.includes(n));
      if (done.length > 0) await redis.xack(key, group, ...done);
    },
    async trim(stream) {
      let removed = 0;
      for (;;) {
        const step = await there().trimmer.step(stream);
        removed += step.removed;
        if (step.removed === 0) return { ...step, removed };
      }
    },
    async left(stream) {
      const entries = await entriesIn(redis, there().keys.stream(stream));
      return entries.map(({ fields }) => Number(fields["n"]));
    },
  };
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
