import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createGroup, ensureGroup } from "../../../../shared/io/streams/groups.ts";
import {
  streamTrimmerOn,
  type StreamTrimmer,
  type TrimmedStream,
} from "../../../../shared/io/streams/stream-trimmer.ts";
import { GROUPS, keysOf, type GroupName, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis, contentsOf, entriesIn, scriptAccess } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

/** Long enough that no entry of a test gets older than it while the test runs. */
const RETENTION_MS = 3_600_000;
const NODE_ENTRIES = 3;
const OWN = GROUPS as readonly { readonly stream: TrimmedStream; readonly group: GroupName }[];

let server: RedisServer;
let redis: Redis;
let keys: Keys;
let trimmer: StreamTrimmer;
let now: number;

/** A server of its own, since the size of a stream's nodes, which are removed as a whole, is the server's setting. */
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url);
  await redis.config("SET", "stream-node-max-entries", NODE_ENTRIES);
});
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  trimmer = streamTrimmerOn(redis, keys, { retentionMs: RETENTION_MS });
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
  { delivered, unacknowledged = [] }: { delivered: number; unacknowledged?: readonly number[] },
): Promise<void> {
  const key = keys.stream(stream);
  await redis.xgroup("CREATE", key, group, "0");
  if (delivered === 0) return;
  const entries = (await entriesIn(redis, key)).slice(0, delivered);
  await redis.call("XREADGROUP", "GROUP", group, "c", "COUNT", delivered, "STREAMS", key, ">");
  const done = entries.map(({ id }) => id).filter((_, n) => !unacknowledged.includes(n));
  if (done.length > 0) await redis.xack(key, group, ...done);
}

/** Trims until nothing more goes. */
async function trim(stream: TrimmedStream) {
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

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
/** Twelve entries, four nodes: half of them too old. */
const HALF_OLD = [...Array.from({ length: 6 }, () => 5), ...Array.from({ length: 6 }, () => 0.5)];

it("signal_results does not grow for a notifier that nobody runs any more", async () => {
  await addAged("signal_results", [5, 5, 5, 1.5, 1.5, 1.5]);
  await addGroup("signal_results", "log_writer", { delivered: 6 });
  await addGroup("signal_results", "notifier", { delivered: 1, unacknowledged: [0] });
  expect(await trim("signal_results")).toMatchObject({ removed: 3, behind: [{ group: "notifier" }] });
  expect(await left("signal_results")).toStrictEqual(numbers(3, 6));
});

describe.each(OWN)("$stream", ({ stream, group }) => {
  it("loses what is older than the retention and worked on, and nothing younger", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 12 });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
    expect(await left(stream)).toStrictEqual(numbers(6, 12));
  });

  it("keeps what its own group has not been delivered yet, for ever", async () => {
    const ids = await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 3 });
    const trimmed = await trim(stream);
    expect(trimmed).toStrictEqual({ removed: 3, behind: [{ group, state: "keeps", from: ids[3] }] });
    expect(await left(stream)).toStrictEqual(numbers(3, 12));
  });

  it("keeps what is pending in its own group, for ever, and everything after it", async () => {
    const ids = await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 12, unacknowledged: [4] });
    const trimmed = await trim(stream);
    expect(trimmed).toStrictEqual({ removed: 3, behind: [{ group, state: "keeps", from: ids[4] }] });
    expect(await left(stream)).toStrictEqual(numbers(3, 12));
  });

  it("keeps what its own group is to be delivered again after XGROUP SETID, even with a later entry pending", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 6, unacknowledged: [5] });
    await redis.xgroup("SETID", keys.stream(stream), group, "0");
    expect(await trim(stream)).toMatchObject({ removed: 0 });
  });

  it("does not keep anything for its own group when it has done all there is", async () => {
    await addAged(stream, [5, 5, 5, 5, 5, 5]);
    await addGroup(stream, group, { delivered: 6 });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
  });

  it("keeps entries of a foreign group for twice the retention", async () => {
    const ids = await addAged(stream, [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 0.5]);
    await addGroup(stream, group, { delivered: 7 });
    await addGroup(stream, "foreign", { delivered: 3 });
    const trimmed = await trim(stream);
    expect(trimmed.behind).toStrictEqual([{ group: "foreign", state: "keeps", from: ids[3] }]);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("loses entries of a foreign group after twice the retention, pending ones as well, and names it", async () => {
    const ids = await addAged(stream, [5, 5, 5, 1.5, 1.5, 1.5, 0.5]);
    await addGroup(stream, group, { delivered: 7 });
    await addGroup(stream, "foreign", { delivered: 2, unacknowledged: [0] });
    const step = await trimmer.step(stream);
    expect(step).toStrictEqual({
      removed: 3,
      behind: [{ group: "foreign", state: "loses", from: ids[0] }],
    });
    await trim(stream);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("keeps for its own group what a foreign one may lose", async () => {
    const ids = await addAged(stream, [9, 9, 9, 5, 5, 5, 0.5]);
    await addGroup(stream, group, { delivered: 3 });
    await addGroup(stream, "foreign", { delivered: 0 });
    const step = await trimmer.step(stream);
    expect(step.removed).toBe(3);
    expect(step.behind).toHaveLength(2);
    expect(step.behind).toContainEqual({ group, state: "keeps", from: ids[3] });
    expect(step.behind).toContainEqual({ group: "foreign", state: "loses", from: ids[0] });
    await trim(stream);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("is not there yet, or is something else: nothing happens", async () => {
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [] });
    await redis.set(keys.stream(stream), "x");
    const before = await contentsOf(redis, keys.prefix);
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [] });
    expect(await contentsOf(redis, keys.prefix)).toStrictEqual(before);
  });

  it("is trimmed by a script that touches only the keys it declares", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 7, unacknowledged: [6] });
    const access = await scriptAccess(redis, keys.prefix, () => trim(stream));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThan(5);
  });

  it("keeps everything while its own group, which once was there, has gone", async () => {
    await addAged(stream, HALF_OLD);
    await createGroup(redis, keys, { stream, group, from: "$" });
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    await redis.xgroup("CREATE", keys.stream(stream), "foreign", "$");
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
    await createGroup(redis, keys, { stream, group, from: "$" });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("before the router's own group was ever made", () => {
  it.each(OWN.filter(({ group }) => group !== "strategy_executor"))(
    "nothing of $stream is removed: none of it has been worked on",
    async ({ stream, group }) => {
      await addAged(stream, HALF_OLD);
      expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
      await ensureGroup(redis, keys, stream, group);
      expect(await trim(stream)).toMatchObject({ removed: 0, behind: [{ state: "keeps" }] });
    },
  );

  it("tasks are removed by age, since they may be there for others only", async () => {
    await addAged("strategy_input_stream", HALF_OLD);
    expect(await trim("strategy_input_stream")).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("entry ids", () => {
  it("beyond what a number holds exactly are told apart", async () => {
    const key = keys.stream("signals_stream");
    // They differ in the last of 20 digits only; doubles would take them for equal.
    const sequences = [1, 2, 3, 4].map((n) => `${now - 5 * RETENTION_MS}-1844674407370955160${n}`);
    for (const id of sequences) await redis.xadd(key, id, "n", 0);
    const [first = "", second = ""] = sequences;
    await redis.xgroup("CREATE", key, "signal_processor", sequences[2] ?? "");
    // Pending is the last one, and to be delivered again is what comes after the first.
    await redis.call(...(["XREADGROUP", "GROUP", "signal_processor", "c", "STREAMS", key, ">"] as const));
    await redis.xgroup("SETID", key, "signal_processor", first);
    expect(await trim("signals_stream")).toStrictEqual({
      removed: 0,
      behind: [{ group: "signal_processor", state: "keeps", from: second }],
    });
  });

  it("are compared as numbers, not as text", async () => {
    const key = keys.stream("signals_stream");
    for (const id of ["9-9", "9-10", "10-0", "10-1", "11-0", "100-0"]) await redis.xadd(key, id, "n", 0);
    await redis.xgroup("CREATE", key, "signal_processor", "$");
    await redis.xgroup("CREATE", key, "a", "9-9");
    await redis.xgroup("CREATE", key, "strategy_executor", "10-1");
    const step = await trimmer.step("signals_stream");
    expect(step.behind).toStrictEqual([
      { group: "a", state: "loses", from: "9-10" },
      { group: "strategy_executor", state: "loses", from: "11-0" },
    ]);
  });

  it("of the very last kind stop nothing", async () => {
    const key = keys.stream("signals_stream");
    await addAged("signals_stream", [5, 5, 5]);
    await redis.xadd(key, "18446744073709551615-18446744073709551615", "n", 3);
    await addGroup("signals_stream", "signal_processor", { delivered: 4 });
    expect(await trim("signals_stream")).toStrictEqual({ removed: 3, behind: [] });
  });
});

interface ModelGroup {
  readonly delivered: number;
  readonly unacknowledged: readonly number[];
}

/** Position of the first entry the group needs: undelivered, or delivered and not acknowledged. */
function firstNeeded({ delivered, unacknowledged }: ModelGroup, deleted: readonly number[], length: number) {
  const pending = unacknowledged.filter((n) => n < delivered && n < length);
  const undelivered = numbers(delivered, length).filter((n) => !deleted.includes(n));
  return Math.min(...pending, ...undelivered.slice(0, 1), Number.POSITIVE_INFINITY);
}

describe("random streams, groups and pending entries, against a plain model", () => {
  const group: fc.Arbitrary<ModelGroup> = fc.record({
    delivered: fc.nat(40),
    unacknowledged: fc.uniqueArray(fc.nat(39), { maxLength: 3 }),
  });
  const ages = fc
    .array(fc.constantFrom(9, 3, 2.5, 1.9, 1.5, 1.1, 0.9, 0.5, 0.1), { minLength: 1, maxLength: 40 })
    .map((list) => list.toSorted((a, b) => b - a));
  const world = fc.record({
    ages,
    own: fc.option(group, { nil: undefined, freq: 6 }),
    foreign: fc.array(group, { maxLength: 2 }),
    deleted: fc.uniqueArray(fc.nat(39), { maxLength: 4 }),
    stepCountMax: fc.integer({ min: NODE_ENTRIES, max: 12 }),
  });

  it("nothing needed is ever removed, and of what is not needed less than one node stays", async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ ages: list, own, foreign, deleted, stepCountMax }) => {
        keys = keysOf(freshPrefix());
        trimmer = streamTrimmerOn(redis, keys, { retentionMs: RETENTION_MS, stepCountMax });
        const ids = await addAged("signals_stream", list);
        const groups = own === undefined ? foreign : [own, ...foreign];
        for (const [n, one] of groups.entries()) {
          const name = own !== undefined && n === 0 ? "signal_processor" : `foreign${n}`;
          await addGroup("signals_stream", name, one);
        }
        const gone = deleted.flatMap((n) => ids[n] ?? []);
        if (gone.length > 0) await redis.xdel(keys.stream("signals_stream"), ...gone);

        const olderThan = (age: number) => list.filter((one) => one > age).length;
        const needed = (one: ModelGroup) => firstNeeded(one, deleted, list.length);
        const limit =
          own === undefined
            ? 0
            : Math.min(
                olderThan(1),
                needed(own),
                ...foreign.map((one) => Math.max(needed(one), Math.min(olderThan(2), list.length))),
              );

        await trim("signals_stream");
        const remaining = await left("signals_stream");
        const alive = numbers(0, list.length).filter((n) => !deleted.includes(n));
        expect(remaining).toEqual(expect.arrayContaining(alive.filter((n) => n >= limit)));
        expect(remaining).toEqual(alive.slice(alive.length - remaining.length));
        if (own !== undefined) {
          expect(remaining.filter((n) => n < limit).length).toBeLessThan(NODE_ENTRIES);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("a stream that others use meanwhile", () => {
  it("of 200,000 entries goes in small steps, between which everyone is served", async () => {
    const key = keys.stream("signals_stream");
    const other = connectRedis(server.url);
    await redis.config("SET", "stream-node-max-entries", 100);
    await redis.eval(
      `for n = 1, 200000 do redis.call('XADD', KEYS[1], n .. '-0', 'n', n) end
       redis.call('XGROUP', 'CREATE', KEYS[1], 'signal_processor', '$')`,
      1,
      key,
    );
    let pings = 0;
    const done = new AbortController();
    const pinging = (async () => {
      for (; !done.signal.aborted; pings += 1) expect(await other.ping()).toBe("PONG");
    })();
    const steps: number[] = [];
    do {
      const pingsBefore = pings;
      steps.push((await trimmer.step("signals_stream")).removed);
      await vi.waitFor(() => expect(pings).toBeGreaterThan(pingsBefore), { interval: 1 });
    } while (steps.at(-1) !== 0);
    done.abort();
    await pinging;
    await redis.config("SET", "stream-node-max-entries", NODE_ENTRIES);
    other.disconnect();

    expect(Math.max(...steps)).toBeLessThanOrEqual(2_000);
    expect(steps.length).toBeGreaterThanOrEqual(100);
    expect(pings).toBeGreaterThanOrEqual(steps.length);
    expect(await redis.xlen(key)).toBe(0);
  }, 60_000);

  it("is read and acknowledged to the last entry while it is trimmed all the time", async () => {
    const key = keys.stream("signals_stream");
    const count = 6_000;
    const [producer, consumer] = [connectRedis(server.url), connectRedis(server.url)];
    await redis.xgroup("CREATE", key, "signal_processor", "0", "MKSTREAM");
    const produced = (async () => {
      for (let n = 1; n <= count; n += 20) {
        const pipeline = producer.pipeline();
        // Older than the retention from the beginning: only the group protects them.
        for (let i = n; i < n + 20; i += 1) pipeline.xadd(key, `${i}-0`, "n", i);
        await pipeline.exec();
      }
    })();
    const read: string[] = [];
    const consumed = (async () => {
      const open: string[] = [];
      while (read.length < count) {
        const reply = (await consumer.call(
          ...(["XREADGROUP", "GROUP", "signal_processor", "c", "COUNT", "37", "STREAMS", key, ">"] as const),
        )) as [string, [string, string[]][]][] | null;
        const ids = (reply?.[0]?.[1] ?? []).map(([id]) => id);
        read.push(...ids);
        open.push(...ids);
        // The entry worked on for longest is still in the stream, then acknowledged in no particular order.
        if (open[0] !== undefined) expect(await consumer.xrange(key, open[0], open[0])).toHaveLength(1);
        const done = open.splice(0, Math.max(0, open.length - 50)).toReversed();
        if (done.length > 0) await consumer.xack(key, "signal_processor", ...done);
      }
    })();
    let removed = 0;
    const processed = new AbortController();
    const trimmed = (async () => {
      while (!processed.signal.aborted) removed += (await trimmer.step("signals_stream")).removed;
    })();
    await Promise.all([produced, consumed]);
    processed.abort();
    await trimmed;
    producer.disconnect();
    consumer.disconnect();

    expect(read).toStrictEqual(numbers(1, count + 1).map((n) => `${n}-0`));
    expect(removed).toBeGreaterThan(count / 2);
    expect(await redis.xlen(key)).toBe(count - removed);
  }, 60_000);
});
