import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Commit, CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import type { Fields } from "../../../../shared/entry.ts";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { keysOf, type Keys, type StreamName } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { interceptCommits } from "../../../servers/intercept-commits.ts";
import { addEntries, connectRedis, contentsOf, fieldsIn } from "../../../servers/redis-contents.ts";

export const DEDUP_TTL_MS = 60_000;
export const GROUP: CommitOptions = {
  fence: { kind: "group", stream: "signals_stream", group: "signal_processor" },
};
export const DEAD_LETTER: CommitOptions = { fence: { kind: "dead_letter" } };
export const ONCE: CommitOptions = { fence: { kind: "once", invocation: "replay-1" } };

/** Commits to a key prefix of a test's own, and what they left there. */
export interface CommitFixture {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly commit: Commit;
  /** The same commit on another connection. */
  readonly commitOver: (connection: Redis) => Commit;
  /** Commits and gives the outcome of each item, or the status of a call that was not committed. */
  readonly outcomesOf: (items: readonly CommitItem[], options?: CommitOptions) => Promise<string[]>;
  /** Adds entries to `signals_stream` and delivers them to a consumer of `signal_processor`; returns their ids. */
  readonly deliver: (count: number) => Promise<string[]>;
  readonly deliverOne: () => Promise<string>;
  /** Entries delivered and not acknowledged. */
  readonly pendingCount: () => Promise<number>;
  readonly contents: () => Promise<Record<string, string>>;
  readonly fields: (stream: StreamName) => Promise<Fields[]>;
  /** The texts of the records. */
  readonly results: () => Promise<(string | undefined)[]>;
  readonly metrics: () => Promise<Record<string, string>>;
  readonly sequenceKey: () => string;
  /** Options of a commit whose calls have these labels, the first of them directly after `follows`. */
  readonly labelled: (labels: readonly string[], follows?: string) => CommitOptions;
  /** The connection, with something happening directly before its n-th call of the commit script. */
  readonly beforeCall: (n: number, happens: () => Promise<void>) => Redis;
}

/** Makes the fixture anew before each test of the file; `url` is that of the Redis, by default the one of all tests. */
export function useCommit({ url = redisUrl }: { readonly url?: () => string } = {}): CommitFixture {
  let redis: Redis;
  let keys: Keys;
  let commit: Commit;
  beforeAll(() => {
    redis = connectRedis(url());
  });
  beforeEach(() => {
    keys = keysOf(`{${freshPrefix()}}`);
    commit = fixture.commitOver(redis);
  });
  afterAll(() => redis.quit());

  const fixture: CommitFixture = {
    get redis() {
      return redis;
    },
    get keys() {
      return keys;
    },
    get commit() {
      return commit;
    },
    commitOver: (connection) => commitOn(connection, keys, { dedupTtlMs: DEDUP_TTL_MS }),
    async outcomesOf(items, options = GROUP) {
      const parts = await commit(items, options);
      return parts.flatMap(({ answer }): readonly string[] =>
        answer.status === "committed" ? answer.outcomes : [answer.status],
      );
    },
    async deliver(count) {
      const stream = keys.stream("signals_stream");
      const ids = await addEntries(redis, stream, count);
      await redis.xgroup("CREATE", stream, "signal_processor", "0", "MKSTREAM").catch((error: unknown) => {
        if (!String(error).includes("BUSYGROUP")) throw error;
      });
      await redis.xreadgroup("GROUP", "signal_processor", "c", "COUNT", count, "STREAMS", stream, ">");
      return ids;
    },
    async deliverOne() {
      const [id] = await fixture.deliver(1);
      if (id === undefined) throw new Error("nothing was delivered");
      return id;
    },
    async pendingCount() {
      const summary = await redis.xpending(keys.stream("signals_stream"), "signal_processor");
      return Number(summary[0]);
    },
    contents: async () => contentsOf(redis, keys.prefix),
    fields: async (stream) => fieldsIn(redis, keys.stream(stream)),
    results: async () => (await fixture.fields("signal_results")).map((entry) => entry["data"]),
    metrics: async () => redis.hgetall(keys.metrics),
    sequenceKey: () => keys.sequence("signals_stream", "signal_processor", "c"),
    labelled: (labels, follows = "") => ({
      ...GROUP,
      turn: async () => ({ key: fixture.sequenceKey(), labels, follows, onSent: () => undefined }),
    }),
    beforeCall(n, happens) {
      let calls = 0;
      return interceptCommits(redis, async (send) => {
        calls += 1;
        if (calls === n) await happens();
        return send();
      });
    },
  };
  return fixture;
}
