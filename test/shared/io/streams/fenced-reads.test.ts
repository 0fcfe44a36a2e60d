import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { compareEntryIds } from "../../../../shared/entry-range.ts";
import { fencedReadsOn } from "../../../../shared/io/streams/fenced-reads.ts";
import { GroupMissingError } from "../../../../shared/io/streams/pending-entries.ts";
import { streamGroupOn } from "../../../../shared/io/streams/stream-group.ts";
import { takeOverPending } from "../../../../shared/io/streams/take-over.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis } from "../../../servers/redis-contents.ts";

const STREAM = "signals_stream";
const GROUP = "signal_processor";
const redis = connectRedis();
let keys: Keys;
let stream: string;
afterAll(() => redis.disconnect());
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  stream = keys.stream(STREAM);
  await redis.xgroup("CREATE", stream, GROUP, "0", "MKSTREAM");
  await holds("a");
});

const holds = async (token: string) => redis.hset(keys.groupLease(GROUP), "token", token);

/** Reads as the holder with this token, on a connection of its own. */
function readerOf(token: string, { isOwnConnection = true } = {}) {
  const connection = connectRedis();
  onTestFinished(() => connection.disconnect());
  const holding = { group: GROUP, token } as const;
  const of = { stream: STREAM, holding, consumer: token, countsAttempts: false, isOwnConnection } as const;
  return fencedReadsOn(connection, keys, of);
}

const ownersAndCounts = async () =>
  (await streamGroupOn(redis, keys, { stream: STREAM, group: GROUP, consumer: "x" }).pending({
    idleMs: 0,
    countMax: 10_000,
  })) satisfies readonly { readonly id: string }[];

describe("a reader with the token of the lease", () => {
  test("says so when its user may not wait, and does not read again and again", async () => {
    const connection = connectRedis();
    onTestFinished(() => connection.disconnect());
    await redis.call("ACL", "SETUSER", "no-xread", "on", "nopass", "~*", "+@all", "-xread");
    onTestFinished(async () => void (await redis.call("ACL", "DELUSER", "no-xread")));
    await connection.call("AUTH", "no-xread", "");
    const holding = { group: GROUP, token: "a" } as const;
    const of = {
      stream: STREAM,
      holding,
      consumer: "a",
      countsAttempts: false,
      isOwnConnection: true,
    } as const;
    const reader = fencedReadsOn(connection, keys, of);
    expect(await reader.read({ countMax: 5, blockMs: 1_000 })).toEqual([]);
    await expect(reader.read({ countMax: 5, blockMs: 1_000 })).rejects.toThrow(/NOPERM.*xread/);
  });

  test("gets what waits, what comes while it waits, and nothing when nothing comes", async () => {
    const reader = readerOf("a");
    const [first] = await addEntries(redis, stream, 1);
    expect(await reader.read({ countMax: 5, blockMs: 1_000 })).toMatchObject([{ id: first }]);
    const waiting = reader.read({ countMax: 5, blockMs: 10_000 });
    const [second] = await addEntries(redis, stream, 1);
    expect(await waiting).toMatchObject([{ id: second }]);
    expect(await reader.read({ countMax: 5, blockMs: 1 })).toEqual([]);
  });

  test("does not turn in a circle beside one that has read more of the group", async () => {
    const reader = readerOf("a");
    expect(await reader.read({ countMax: 5, blockMs: 1 })).toEqual([]);
    await addEntries(redis, stream, 3);
    await redis.xreadgroup("GROUP", GROUP, "older", "STREAMS", stream, ">");
    expect(await reader.read({ countMax: 5, blockMs: 10_000 })).toEqual([]);
    const waiting = reader.read({ countMax: 5, blockMs: 10_000 });
    const [last] = await addEntries(redis, stream, 1);
    expect(await waiting).toMatchObject([{ id: last }]);
  });

  test("gets a backlog in the order of the stream, batch after batch", async () => {
    const ids = await addEntries(redis, stream, 10);
    const reader = readerOf("a");
    const read: string[] = [];
    for (let entries = await reader.read({ countMax: 3, blockMs: 0 }); entries.length > 0;) {
      if (entries === "deposed") throw new Error("deposed");
      read.push(...entries.map(({ id }) => id));
      entries = await reader.read({ countMax: 3, blockMs: 0 });
    }
    expect(read).toEqual(ids);
  });

  test("hears that the group is gone, also in a backlog", async () => {
    await addEntries(redis, stream, 4);
    const reader = readerOf("a");
    await reader.read({ countMax: 2, blockMs: 0 });
    await redis.xgroup("DESTROY", stream, GROUP);
    await expect(reader.read({ countMax: 2, blockMs: 0 })).rejects.toThrow(GroupMissingError);
  });
});

describe("a reader with another token gets nothing", () => {
  test.each([["next"], [undefined]])("(lease: %s), whichever way it reads", async (token) => {
    await addEntries(redis, stream, 4);
    const [idle, waiting, inBacklog] = [readerOf("a"), readerOf("a"), readerOf("a")];
    await inBacklog.read({ countMax: 2, blockMs: 0 });
    await waiting.read({ countMax: 5, blockMs: 0 });
    const waits = waiting.read({ countMax: 5, blockMs: 10_000 });
    if (token === undefined) await redis.del(keys.groupLease(GROUP));
    else await holds(token);
    await addEntries(redis, stream, 4);
    expect(await waits).toBe("deposed");
    expect(await inBacklog.read({ countMax: 2, blockMs: 0 })).toBe("deposed");
    expect(await idle.read({ countMax: 5, blockMs: 0 })).toBe("deposed");
    expect(await ownersAndCounts()).toHaveLength(4);
  });

  test("from the moment on at which it changes, in a race with the reads of a backlog", async () => {
    for (let round = 0; round < 30; round += 1) {
      await holds("a");
      await addEntries(redis, stream, 60);
      const reader = readerOf("a");
      const reading = (async () => {
        for (;;) {
          const entries = await reader.read({ countMax: 2, blockMs: 0 });
          if (entries === "deposed") return;
        }
      })();
      for (let reads = 0; reads < round % 7; reads += 1) await redis.ping();
      const last = String(await redis.eval(DEPOSE, 2, keys.groupLease(GROUP), stream, GROUP));
      await reading;
      const late = (await ownersAndCounts()).filter(({ id }) => compareEntryIds(id, last) > 0);
      expect(late).toEqual([]);
      await redis.xgroup("SETID", stream, GROUP, "$");
      await redis.xtrim(stream, "MAXLEN", 0);
      await redis.xgroup("DELCONSUMER", stream, GROUP, "a");
    }
  });
});

/** Gives the lease to another one, and says what the group has delivered until this very moment. */
const DEPOSE = `
redis.call('HSET', KEYS[1], 'token', 'b')
local info = redis.call('XINFO', 'GROUPS', KEYS[2])[1]
for f = 1, #info, 2 do if info[f] == 'last-delivered-id' then return info[f + 1] end end
`;

describe("a take-over", () => {
  const of = (token: string, unstarted: boolean) =>
    ({ stream: STREAM, holding: { group: GROUP, token }, consumer: token, unstarted }) as const;

  test("makes the holder the owner of all that is pending, in the order of the stream, and changes no count", async () => {
    await addEntries(redis, stream, 150);
    await redis.xreadgroup("GROUP", GROUP, "one", "COUNT", 100, "STREAMS", stream, ">");
    await redis.xreadgroup("GROUP", GROUP, "two", "STREAMS", stream, ">");
    const before = await ownersAndCounts();
    const [, second, third] = before;
    const count = ["RETRYCOUNT", 3, "JUSTID"] as const;
    await redis.xclaim(...([stream, GROUP, "one", 0, second?.id ?? "", ...count] as const));
    await redis.xdel(stream, third?.id ?? "");
    const taken = await takeOverPending(redis, keys, of("a", false));
    const counted = before.map(({ id }, i) => ({ id, deliveries: i === 1 ? 3 : 1 }));
    expect(taken).toEqual(counted.map((one) => ({ ...one, isOwn: true })));
    const after = await ownersAndCounts();
    expect(after.map(({ id, deliveries }) => ({ id, deliveries }))).toEqual(counted);
    // What was deleted from the stream would be lost by a claim.
    expect(after.filter(({ consumer }) => consumer !== "a").map(({ id }) => id)).toEqual([third?.id]);
  });

  test("of tasks takes those that were not begun; nothing with another token", async () => {
    const [begun, waiting] = await addEntries(redis, stream, 2);
    await redis.xreadgroup("GROUP", GROUP, "one", "STREAMS", stream, ">");
    const none = ["RETRYCOUNT", 0, "JUSTID"] as const;
    await redis.xclaim(...([stream, GROUP, "one", 0, waiting ?? "", ...none] as const));
    expect(await takeOverPending(redis, keys, of("b", true))).toBe("deposed");
    expect(await takeOverPending(redis, keys, of("a", true))).toEqual([
      { id: begun, deliveries: 1, isOwn: false },
      { id: waiting, deliveries: 0, isOwn: true },
    ]);
    expect((await ownersAndCounts()).map(({ consumer }) => consumer)).toEqual(["one", "a"]);
  });
});
