import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Commit, CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import type { Fields } from "../../../../shared/entry.ts";
import { HOLDER, NO_EFFECTS, type Append, type Branch, type Effects } from "../../../../shared/function.ts";
import { CALL_LIMITS } from "../../../../shared/io/commit/calls.ts";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { keysOf, type Keys, type StreamName } from "../../../../shared/keys.ts";
import { PROCESSING_MS_BOUNDS, processingField } from "../../../../shared/metrics.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { startLossyProxy } from "../../../servers/lossy-proxy.ts";
import {
  addEntries,
  connectRedis,
  contentsOf,
  fieldsIn,
  scriptAccess,
} from "../../../servers/redis-contents.ts";

const DEDUP_TTL_MS = 60_000;
const GROUP: CommitOptions = {
  fence: { kind: "group", stream: "signals_stream", group: "signal_processor" },
};
const DEAD_LETTER: CommitOptions = { fence: { kind: "dead_letter" } };
const ONCE: CommitOptions = { fence: { kind: "once", invocation: "replay-1" } };
/** What a command is told whose connection broke. */
const CUT = /max retries per request|ECONNRESET/;
const MAX_ID = "18446744073709551615-18446744073709551615";

let redis: Redis;
let keys: Keys;
let commit: Commit;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(`{${freshPrefix()}}`);
  commit = commitOn(redis, keys, { dedupTtlMs: DEDUP_TTL_MS });
});
afterAll(() => redis.quit());

/** Adds entries to `signals_stream` and delivers them to a consumer. */
async function deliver(count: number): Promise<string[]> {
  const stream = keys.stream("signals_stream");
  const ids = await addEntries(redis, stream, count);
  await redis.xgroup("CREATE", stream, "signal_processor", "0", "MKSTREAM").catch((error: unknown) => {
    if (!String(error).includes("BUSYGROUP")) throw error;
  });
  await redis.xreadgroup("GROUP", "signal_processor", "c", "COUNT", count, "STREAMS", stream, ">");
  return ids;
}

async function deliverOne(): Promise<string> {
  const [id] = await deliver(1);
  if (id === undefined) throw new Error("nothing was delivered");
  return id;
}

async function pendingCount(): Promise<number> {
  const summary = await redis.xpending(keys.stream("signals_stream"), "signal_processor");
  return Number(summary[0]);
}

function result(text: string): Append {
  return { stream: "signal_results", fields: { data: text } };
}

/** Two tasks and a record if the uid is won, a record that names the holder if not. */
function dispatch(uid: string, text = uid): Effects {
  const tasks: Append = {
    stream: "strategy_input_stream",
    each: [{ strategy_id: "1" }, { strategy_id: "2" }],
    fields: { uid, text },
  };
  return {
    append: [tasks, result(text)],
    count: ["signals:dispatched"],
    claim: { uid, ifLost: { append: [result(`${text} of ${HOLDER}`)], count: ["signals:duplicate"] } },
  };
}

function record(text: string): Effects {
  return { append: [result(text)], count: ["signals:ignored"] };
}

const sequenceKey = (): string => keys.sequence("signals_stream", "signal_processor", "c");

/** A commit whose calls have these labels, the first of them behind `follows`. */
function labelled(labels: readonly string[], follows = ""): CommitOptions {
  return {
    ...GROUP,
    turn: async () => ({ key: sequenceKey(), labels, follows, onSent: () => undefined }),
  };
}

/** The connection, with something happening right before its n-th call of the commit script. */
function beforeCall(n: number, happens: () => Promise<void>): typeof redis {
  let calls = 0;
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "commitEntries" || typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        calls += 1;
        if (calls === n) await happens();
        return value.apply(redis, args) as Promise<unknown>;
      };
    },
  });
}

const contents = (): Promise<Record<string, string>> => contentsOf(redis, keys.prefix);
const fields = (stream: StreamName): Promise<Fields[]> => fieldsIn(redis, keys.stream(stream));
const results = async (): Promise<(string | undefined)[]> =>
  (await fields("signal_results")).map((entry) => entry["data"]);
const metrics = async (): Promise<Record<string, string>> => redis.hgetall(keys.metrics);

async function outcomesOf(items: readonly CommitItem[], options: CommitOptions = GROUP): Promise<string[]> {
  const parts = await commit(items, options);
  return parts.flatMap(({ answer }): readonly string[] =>
    answer.status === "committed" ? answer.outcomes : [answer.status],
  );
}

describe("the fence", () => {
  /** Items of two entries with this fence. */
  const fences: readonly { kind: string; options: CommitOptions; items: () => Promise<CommitItem[]> }[] = [
    {
      kind: "group",
      options: GROUP,
      items: async () => (await deliver(2)).map((id) => ({ id, effects: dispatch(id) })),
    },
    {
      kind: "dead_letter",
      options: DEAD_LETTER,
      async items() {
        const letters = await addEntries(redis, keys.stream("dead_letters"), 2);
        return letters.map((deadLetterId, n) => ({
          id: `5-${n}`,
          deadLetterId,
          effects: dispatch(deadLetterId),
        }));
      },
    },
    {
      kind: "once",
      options: ONCE,
      items: () => Promise.resolve(["5-0", "5-1"].map((id) => ({ id, effects: dispatch(id) }))),
    },
  ];

  it.each(fences)("of kind $kind lets the same items through once", async ({ options, items }) => {
    const both = await items();
    expect(await outcomesOf(both, options)).toStrictEqual(["applied", "applied"]);
    expect(await fields("strategy_input_stream")).toHaveLength(4);
    const before = await contents();
    expect(await outcomesOf(both, options)).toStrictEqual(["fenced", "fenced"]);
    expect(await contents()).toStrictEqual(before);
  });

  it.each(fences)("of kind $kind lets an item that comes twice in one call through once", async (fence) => {
    const [item] = await fence.items();
    if (item === undefined) throw new Error("no item");
    expect(await outcomesOf([item, item], fence.options)).toStrictEqual(["applied", "fenced"]);
    expect(await results()).toHaveLength(1);
  });

  it.each(fences)(
    "of kind $kind: an answer lost on the wire and the same commit again do it once",
    async (fence) => {
      const items = await fence.items();
      const proxy = await startLossyProxy(Number(new URL(redisUrl()).port));
      const url = `redis://127.0.0.1:${proxy.port}`;
      const lossy = openRedis({ url, role: "commands", name: "lossy", onError: () => undefined });
      const lossyCommit = commitOn(lossy, keys, { dedupTtlMs: DEDUP_TTL_MS });
      const options: CommitOptions = { ...fence.options, timing: "f" };
      await lossy.ping();

      proxy.loseNextAnswer();
      await expect(lossyCommit(items, options)).rejects.toThrow(CUT);
      expect(await results()).toHaveLength(2);
      const before = await contents();
      expect(await lossyCommit(items, options)).toStrictEqual([
        { items, answer: { status: "committed", outcomes: ["fenced", "fenced"] } },
      ]);
      expect(await contents()).toStrictEqual(before);
      lossy.disconnect();
      await proxy.stop();
    },
  );

  it("of a commit of many calls, whose first answer was lost, lets each entry through once in the end", async () => {
    const ids = await deliver(600);
    const items = ids.map((id): CommitItem => ({ id, effects: dispatch(id) }));
    const proxy = await startLossyProxy(Number(new URL(redisUrl()).port));
    const url = `redis://127.0.0.1:${proxy.port}`;
    const lossy = openRedis({ url, role: "commands", name: "lossy", onError: () => undefined });
    await lossy.ping();
    const lossyCommit = commitOn(lossy, keys, { dedupTtlMs: DEDUP_TTL_MS });
    proxy.loseNextAnswer();
    await expect(lossyCommit(items, GROUP)).rejects.toThrow(CUT);
    await lossyCommit(items, GROUP);
    const handedOn = await results();
    expect([handedOn.length, new Set(handedOn)]).toStrictEqual([600, new Set(ids)]);
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "600" });
    lossy.disconnect();
    await proxy.stop();
  });

  it("is not won for an entry that was never delivered, or by a group that is not there", async () => {
    await deliver(1);
    const [undelivered = ""] = await addEntries(redis, keys.stream("signals_stream"), 1);
    const before = await contents();
    expect(await outcomesOf([{ id: undelivered, effects: dispatch("u") }])).toStrictEqual(["fenced"]);
    const fence = { kind: "group", stream: "signal_results", group: "log_writer" } as const;
    expect(await outcomesOf([{ id: "5-0", effects: dispatch("u") }], { fence })).toStrictEqual(["fenced"]);
    expect(await contents()).toStrictEqual(before);
  });

  it("of a manual run holds for that invocation only, and ends with the dedup time", async () => {
    const item: CommitItem = { id: "5-0", effects: record("r") };
    expect(await outcomesOf([item], ONCE)).toStrictEqual(["applied"]);
    const other = { fence: { kind: "once", invocation: "replay-2" } } as const;
    expect(await outcomesOf([item], other)).toStrictEqual(["applied"]);
    const ttl = await redis.pttl(keys.done("replay-1", "5-0"));
    expect(ttl).toBeGreaterThan(DEDUP_TTL_MS - 10_000);
    expect(ttl).toBeLessThanOrEqual(DEDUP_TTL_MS);
  });

  it("acknowledges an entry whose effects are none", async () => {
    const id = await deliverOne();
    expect(await outcomesOf([{ id, effects: NO_EFFECTS }])).toStrictEqual(["applied"]);
    expect(await pendingCount()).toBe(0);
    expect(await redis.exists(keys.metrics)).toBe(0);
  });

  it("removes the dead letter that was retried and leaves the others", async () => {
    const [first = "", second = ""] = await addEntries(redis, keys.stream("dead_letters"), 2);
    await outcomesOf([{ id: "5-0", deadLetterId: second, effects: record("r") }], DEAD_LETTER);
    expect(await redis.xrange(keys.stream("dead_letters"), "-", "+")).toStrictEqual([[first, ["n", "0"]]]);
  });

  it("of a retried dead letter lets its effects add the next dead letter", async () => {
    const [deadLetterId = ""] = await addEntries(redis, keys.stream("dead_letters"), 1);
    const effects: Effects = { append: [{ stream: "dead_letters", fields: { again: "1" } }], count: [] };
    expect(await outcomesOf([{ id: "5-0", deadLetterId, effects }], DEAD_LETTER)).toStrictEqual(["applied"]);
    expect(await fields("dead_letters")).toStrictEqual([{ again: "1" }]);
  });
});

describe("the claim of a uid", () => {
  it("is won by the first entry and lost by the others, across calls and within one", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    const first = await outcomesOf([
      { id: a, effects: dispatch("u", "first") },
      { id: b, effects: dispatch("u", "second") },
    ]);
    expect(first).toStrictEqual(["applied", "duplicate"]);
    expect(await outcomesOf([{ id: c, effects: dispatch("u", "third") }])).toStrictEqual(["duplicate"]);
    expect(await results()).toStrictEqual(["first", `second of ${a}`, `third of ${a}`]);
    expect(await fields("strategy_input_stream")).toStrictEqual([
      { strategy_id: "1", uid: "u", text: "first" },
      { strategy_id: "2", uid: "u", text: "first" },
    ]);
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "1", "signals:duplicate": "2" });
    expect(await pendingCount()).toBe(0);
  });

  it("is kept under the entry's id for the dedup time, and not prolonged by those who lose it", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    const expiresAt = await redis.pexpiretime(keys.dedup("u"));
    expect(expiresAt - Date.now()).toBeGreaterThan(DEDUP_TTL_MS - 10_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(DEDUP_TTL_MS + 1_000);
    await outcomesOf([{ id: b, effects: dispatch("u") }]);
    expect(await redis.get(keys.dedup("u"))).toBe(a);
    expect(await redis.pexpiretime(keys.dedup("u"))).toBe(expiresAt);
  });

  it("held by this very entry means it is done already: only the acknowledgement happens", async () => {
    const id = await deliverOne();
    await outcomesOf([{ id, effects: dispatch("u") }], ONCE);
    const before = await contents();
    expect(await outcomesOf([{ id, effects: dispatch("u") }])).toStrictEqual(["held"]);
    const { signals_stream: source, ...after } = await contents();
    const { signals_stream: sourceBefore, ...others } = before;
    expect(after).toStrictEqual(others);
    expect(source).not.toBe(sourceBefore);
    expect(await pendingCount()).toBe(0);
  });

  it("is not made by an entry that loses its fence", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: NO_EFFECTS }]);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    expect(await redis.exists(keys.dedup("u"))).toBe(0);
    expect(await outcomesOf([{ id: b, effects: dispatch("u") }])).toStrictEqual(["applied"]);
  });

  it("puts the holder's id in place of the first mark of each field of the lost branch, and only there", async () => {
    const [a = "", b = ""] = await deliver(2);
    const text = `%1 ${HOLDER} and ${HOLDER}`;
    const ifLost: Branch = {
      append: [
        { stream: "signal_results", fields: { data: text, more: HOLDER, none: "{{holder" } },
        { stream: "system_events", each: [{ own: text }, { own: "plain" }], fields: { data: HOLDER } },
      ],
      count: [],
    };
    const effects: Effects = { append: [result(text)], count: [], claim: { uid: "u", ifLost } };
    await outcomesOf([
      { id: a, effects },
      { id: b, effects },
    ]);
    expect(await fields("signal_results")).toStrictEqual([
      { data: text },
      { data: `%1 ${a} and ${HOLDER}`, more: a, none: "{{holder" },
    ]);
    expect(await fields("system_events")).toStrictEqual([
      { own: `%1 ${a} and ${HOLDER}`, data: a },
      { own: "plain", data: a },
    ]);
  });

  it("counts as lost to somebody unknown when its key is of a foreign type", async () => {
    const [a = "", b = ""] = await deliver(2);
    await redis.rpush(keys.dedup("u"), "x");
    const items = [
      { id: a, effects: dispatch("u") },
      { id: b, effects: record("neighbour") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "duplicate"]);
    expect(await results()).toStrictEqual(["neighbour", "u of unknown"]);
    expect(await fields("strategy_input_stream")).toStrictEqual([]);
    expect(await redis.lrange(keys.dedup("u"), 0, -1)).toStrictEqual(["x"]);
  });

  it("that was held at first and is free a moment later is made", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const interfering = beforeCall(2, async () => void (await redis.del(keys.dedup("u"))));
    const items = [{ id: b, effects: dispatch("u", "second") }];
    const parts = await commitOn(interfering, keys, { dedupTtlMs: DEDUP_TTL_MS })(items, GROUP);
    expect(parts).toStrictEqual([{ items, answer: { status: "committed", outcomes: ["applied"] } }]);
    expect(await redis.get(keys.dedup("u"))).toBe(b);
    expect(await results()).toStrictEqual(["first", "second"]);
    expect(await pendingCount()).toBe(0);
  });

  it("that is lost, with the answer to that, leaves known what else was committed", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const lost: CommitItem = { id: b, effects: dispatch("u", "second") };
    const neighbour: CommitItem = { id: c, effects: record("neighbour") };
    const cut = async (): Promise<never> => {
      throw new Error("connection lost");
    };
    const commitOnce = commitOn(beforeCall(2, cut), keys, { dedupTtlMs: DEDUP_TTL_MS });
    const parts = await commitOnce([lost, neighbour], GROUP);
    expect(parts).toStrictEqual([
      { items: [neighbour], answer: { status: "committed", outcomes: ["applied"] } },
    ]);
    const commitAgain = commitOn(beforeCall(2, cut), keys, { dedupTtlMs: DEDUP_TTL_MS });
    await expect(commitAgain([lost], GROUP)).rejects.toThrow("connection lost");
    expect(await pendingCount()).toBe(1);
    expect(await outcomesOf([lost])).toStrictEqual(["duplicate"]);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });

  it("that is lost is recorded behind what else was committed, and asked for once only", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    let asked = 0;
    const { claim, ...won } = dispatch("u", "second");
    const effects: Effects = {
      ...won,
      claim: {
        uid: "u",
        get ifLost() {
          asked += 1;
          return claim?.ifLost ?? NO_EFFECTS;
        },
      },
    };
    expect(await outcomesOf([{ id: a, effects: dispatch("u", "first") }])).toStrictEqual(["applied"]);
    expect(asked).toBe(0);
    const items = [
      { id: b, effects },
      { id: c, effects: record("neighbour") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "duplicate"]);
    expect(asked).toBe(1);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });

  it("can be made again when its time is over", async () => {
    const [a = "", b = ""] = await deliver(2);
    await outcomesOf([{ id: a, effects: dispatch("u") }]);
    await redis.del(keys.dedup("u"));
    expect(await outcomesOf([{ id: b, effects: dispatch("u") }])).toStrictEqual(["applied"]);
  });

  it("is won once by many entries on many connections", async () => {
    const ids = await deliver(40);
    const connections = Array.from({ length: 8 }, () => connectRedis());
    const outcomes = await Promise.all(
      ids.map(async (id, n) => {
        const own = connections[n % connections.length] ?? redis;
        const [part] = await commitOn(own, keys, { dedupTtlMs: DEDUP_TTL_MS })(
          [{ id, effects: dispatch("u") }],
          GROUP,
        );
        return part?.answer.status === "committed" ? part.answer.outcomes[0] : undefined;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(39);
    expect(await fields("strategy_input_stream")).toHaveLength(2);
    connections.forEach((connection) => connection.disconnect());
  });
});

describe("a call in a sequence", () => {
  const DECIDED = { version: "v1", epoch: "0" };
  /** Enough entries for three calls. */
  const THREE_CALLS = 3 * CALL_LIMITS.entries;

  const last = async (): Promise<string | null> => redis.get(sequenceKey());

  async function deliverMany(effects: (n: number) => Effects): Promise<CommitItem[]> {
    return (await deliver(THREE_CALLS)).map((id, n) => ({ id, effects: effects(n) }));
  }

  async function statusesOf(items: readonly CommitItem[], options: CommitOptions): Promise<string[]> {
    return (await commit(items, options)).map(({ answer }) => answer.status);
  }

  it("goes through right behind the one it follows and changes nothing when it is early", async () => {
    const [a, b, c] = (await deliver(3)).map((id) => [{ id, effects: dispatch(id) }]);
    if (a === undefined || b === undefined || c === undefined) throw new Error("too few were delivered");
    const steps: readonly (readonly [items: CommitItem[], label: string, follows: string, answer: string])[] =
      [
        [a, "1", "0", "early"],
        [a, "1", "", "applied"],
        [c, "3", "2", "early"],
        [b, "2", "1", "applied"],
        // The one it follows has gone through, but not right before.
        [c, "3", "1", "early"],
        [c, "3", "2", "applied"],
        [a, "4", "2", "early"],
        [a, "4", "", "fenced"],
      ];
    for (const [items, label, follows, answer] of steps) {
      const before = await contents();
      const labelBefore = await last();
      expect(await outcomesOf(items, labelled([label], follows))).toStrictEqual([answer]);
      expect(await last()).toBe(answer === "early" ? labelBefore : label);
      if (answer === "early") expect(await contents()).toStrictEqual(before);
    }
    expect(await results()).toStrictEqual([a, b, c].map(([item]) => item?.id));
    expect(await metrics()).toStrictEqual({ "signals:dispatched": "3" });
  });

  it("has a turn once its commit is made up, and says when all of that is on its way", async () => {
    const items = await deliverMany((n) => record(String(n)));
    const steps: string[] = [];
    const watched = beforeCall(3, async () => void steps.push("third call"));
    const options: CommitOptions = {
      ...GROUP,
      async turn(calls) {
        steps.push(`turn for ${calls}`);
        return {
          key: sequenceKey(),
          labels: ["1", "2", "3"],
          follows: "",
          onSent: () => void steps.push("on their way"),
        };
      },
    };
    const parts = await commitOn(watched, keys, { dedupTtlMs: DEDUP_TTL_MS })(items, options);
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["committed", "committed", "committed"]);
    expect(steps).toStrictEqual(["turn for 3", "third call", "on their way"]);
    expect(await last()).toBe("3");
  });

  it("is not sent when its commit does not get a turn", async () => {
    const items = [{ id: await deliverOne(), effects: dispatch("u") }];
    const before = await contents();
    const turn = async (): Promise<never> => {
      throw new Error("the end");
    };
    await expect(commit(items, { ...GROUP, turn })).rejects.toThrow("the end");
    expect(await contents()).toStrictEqual(before);
  });

  it("is early when it overtakes the one of its commit that it follows", async () => {
    const items = await deliverMany((n) => record(String(n)));
    // While the first one waits for this answer, the others are sent.
    const overtaken = beforeCall(1, async () => void (await redis.ping()));
    const commitOnce = commitOn(overtaken, keys, { dedupTtlMs: DEDUP_TTL_MS });
    const parts = await commitOnce(items, labelled(["1", "2", "3"]));
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["committed", "early", "early"]);
    expect(await statusesOf(items, labelled(["4", "5", "6"], "1"))).toStrictEqual([
      "committed",
      "committed",
      "committed",
    ]);
    expect(await results()).toStrictEqual(items.map((_, n) => String(n)));
  });

  it.each([
    { call: 0, statuses: ["blocked", "early", "early"], label: null },
    { call: 1, statuses: ["committed", "blocked", "early"], label: "1" },
    { call: 2, statuses: ["committed", "committed", "blocked"], label: "2" },
  ])("is early behind call $call of its commit that is blocked", async ({ call, statuses, label }) => {
    await redis.set(keys.stream("system_events"), "x");
    const inTheWay: Effects = { append: [{ stream: "system_events", fields: { a: "b" } }], count: [] };
    const items = await deliverMany((n) => (n === call * CALL_LIMITS.entries ? inTheWay : record(String(n))));
    const before = await contents();
    expect(await statusesOf(items, labelled(["1", "2", "3"]))).toStrictEqual(statuses);
    expect(await last()).toBe(label);
    expect(await results()).toHaveLength(call * CALL_LIMITS.entries);
    expect(await pendingCount()).toBe(THREE_CALLS - call * CALL_LIMITS.entries);
    if (call === 0) expect(await contents()).toStrictEqual(before);
  });

  it("is said to be outdated when it is, also if it is early", async () => {
    await redis.set(keys.referenceCurrent, "v2");
    const items = await deliverMany((n) => dispatch(String(n)));
    const before = await contents();
    for (const follows of ["", "0"]) {
      const options = { ...labelled(["1", "2", "3"], follows), decidedOn: DECIDED };
      expect(await statusesOf(items, options)).toStrictEqual(["stale", "stale", "stale"]);
    }
    expect(await contents()).toStrictEqual(before);
  });

  it("is early behind one that was outdated, although it would not be outdated itself", async () => {
    await redis.set(keys.referenceCurrent, "v2");
    const items = await deliverMany((n) => dispatch(String(n)));
    const before = await contents();
    const backAgain = beforeCall(2, async () => void (await redis.set(keys.referenceCurrent, "v1")));
    const commitOnce = commitOn(backAgain, keys, { dedupTtlMs: DEDUP_TTL_MS });
    const options: CommitOptions = { ...labelled(["1", "2", "3"]), decidedOn: DECIDED };
    const parts = await commitOnce(items, options);
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["stale", "early", "early"]);
    await redis.set(keys.referenceCurrent, "v2");
    expect(await contents()).toStrictEqual(before);
  });

  it("is remembered as the last one for a minute at most", async () => {
    const [a = "", b = ""] = await deliver(2);
    for (const [id, label] of [
      [a, "1"],
      [b, "2"],
    ] as const) {
      await outcomesOf([{ id, effects: NO_EFFECTS }], labelled([label]));
      const ttl = await redis.pttl(sequenceKey());
      expect(ttl).toBeGreaterThan(50_000);
      expect(ttl).toBeLessThanOrEqual(60_000);
    }
  });

  it("is blocked when the key of the sequence is of another type, whatever it follows", async () => {
    await redis.rpush(sequenceKey(), "1");
    const items = [{ id: await deliverOne(), effects: dispatch("u") }];
    const before = await contents();
    const answer = { status: "blocked", key: sequenceKey(), problem: "is a list, expected a string" };
    for (const follows of ["", "1"]) {
      expect(await commit(items, labelled(["2"], follows))).toStrictEqual([{ items, answer }]);
    }
    expect(await contents()).toStrictEqual(before);
    expect(await outcomesOf(items)).toStrictEqual(["applied"]);
  });

  it("is not what commits again because a claim was lost: that neither waits nor is remembered", async () => {
    const [a = "", b = "", c = ""] = await deliver(3);
    await outcomesOf([{ id: a, effects: dispatch("u", "first") }]);
    const items = [
      { id: b, effects: dispatch("u", "second") },
      { id: c, effects: record("neighbour") },
    ];
    const turns: number[] = [];
    const options: CommitOptions = {
      ...GROUP,
      async turn(calls) {
        turns.push(calls);
        return { key: sequenceKey(), labels: ["1"], follows: "", onSent: () => undefined };
      },
    };
    const somebodyElse = beforeCall(2, async () => {
      expect(await last()).toBe("1");
      await redis.set(sequenceKey(), "9");
    });
    const parts = await commitOn(somebodyElse, keys, { dedupTtlMs: DEDUP_TTL_MS })(items, options);
    expect(parts).toMatchObject([
      { answer: { status: "committed", outcomes: ["applied"] } },
      { answer: { status: "committed", outcomes: ["duplicate"] } },
    ]);
    expect([turns, await last(), await redis.pttl(sequenceKey())]).toStrictEqual([[1], "9", -1]);
    expect(await results()).toStrictEqual(["first", "neighbour", `second of ${a}`]);
  });
});

describe("appends", () => {
  it("are one entry per element, with its own fields before the shared ones", async () => {
    const append: Append = {
      stream: "strategy_input_stream",
      each: [
        { strategy_id: "1", strategy: "one" },
        { strategy_id: "2", strategy: "" },
        { strategy_id: "3", strategy: "three\u0000\u{1F600}" },
      ],
      fields: { symbol: "BTCUSDT", empty: "" },
    };
    await outcomesOf([{ id: await deliverOne(), effects: { append: [append], count: [] } }]);
    const flat = (await redis.xrange(keys.stream("strategy_input_stream"), "-", "+")).map(
      ([, pairs]) => pairs,
    );
    const shared = ["symbol", "BTCUSDT", "empty", ""];
    expect(flat).toStrictEqual([
      ["strategy_id", "1", "strategy", "one", ...shared],
      ["strategy_id", "2", "strategy", "", ...shared],
      ["strategy_id", "3", "strategy", "three\u0000\u{1F600}", ...shared],
    ]);
  });

  it("without elements are none", async () => {
    const append: Append = { stream: "strategy_input_stream", each: [], fields: { a: "b" } };
    const id = await deliverOne();
    expect(
      await outcomesOf([{ id, effects: { append: [append, result("r")], count: ["c"] } }]),
    ).toStrictEqual(["applied"]);
    expect([await fields("strategy_input_stream"), await results(), await metrics()]).toStrictEqual([
      [],
      ["r"],
      { c: "1" },
    ]);
  });

  it("with only own fields, and to several streams in turn, come out in their order", async () => {
    const effects: Effects = {
      append: [
        result("1"),
        { stream: "system_events", each: [{ a: "1" }, { a: "2" }], fields: {} },
        result("2"),
        { stream: "system_events", fields: { a: "3" } },
      ],
      count: ["x"],
    };
    await outcomesOf([{ id: await deliverOne(), effects }]);
    expect(await results()).toStrictEqual(["1", "2"]);
    expect(await fields("system_events")).toStrictEqual([{ a: "1" }, { a: "2" }, { a: "3" }]);
  });

  it("go to the very stream the entry was read from, too", async () => {
    const effects: Effects = { append: [{ stream: "signals_stream", fields: { again: "1" } }], count: [] };
    await outcomesOf([{ id: await deliverOne(), effects }]);
    expect(await fields("signals_stream")).toStrictEqual([{ n: "0" }, { again: "1" }]);
  });

  it("keep the order of the items over several calls, also right after the scripts were flushed", async () => {
    const { entries } = CALL_LIMITS;
    const ids = await deliver(5 * entries + 60);
    await outcomesOf([{ id: ids[0] ?? "", effects: record("0") }]);
    await redis.script("FLUSH");
    const items = ids.slice(1).map((id, n) => ({ id, effects: record(String(n + 1)) }));
    const parts = await commit(items, GROUP);
    expect(parts.map((part) => part.items.length)).toStrictEqual([
      entries,
      entries,
      entries,
      entries,
      entries,
      59,
    ]);
    expect(parts.flatMap((part) => part.items)).toStrictEqual(items);
    expect(await results()).toStrictEqual(ids.map((_, n) => String(n)));
    expect(await metrics()).toStrictEqual({ "signals:ignored": String(ids.length) });
  });

  it("of one entry may be tens of thousands", async () => {
    const each = Array.from({ length: 40_000 }, (_, n) => ({ strategy_id: String(n), strategy: `s${n}` }));
    const effects: Effects = {
      append: [{ stream: "strategy_input_stream", each, fields: { a: "b" } }],
      count: each.map(({ strategy_id }) => `strategy:${strategy_id}:dispatched`),
    };
    const [a = "", b = "", c = ""] = await deliver(3);
    const items = [
      { id: a, effects: record("before") },
      { id: b, effects },
      { id: c, effects: record("after") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "applied", "applied"]);
    expect(await redis.xlen(keys.stream("strategy_input_stream"))).toBe(40_000);
    expect(await redis.hlen(keys.metrics)).toBe(40_001);
  });
});

describe("counters", () => {
  it("add up over calls and branches, several of a kind within one entry included", async () => {
    const ids = await deliver(300);
    const effects = (n: number): Effects => ({
      append: [],
      count: ["all", "all", `mod:${n % 3}`],
      claim: { uid: `u${n % 100}`, ifLost: { append: [], count: ["lost", `mod:${n % 3}`] } },
    });
    await redis.hset(keys.metrics, { all: "1000000", other: "not mine", lost: "-5" });
    await outcomesOf(ids.map((id, n) => ({ id, effects: effects(n) })));
    expect(await metrics()).toStrictEqual({
      all: "1000200",
      lost: "195",
      other: "not mine",
      "mod:0": "100",
      "mod:1": "100",
      "mod:2": "100",
    });
  });

  it("hold the time from the entry's id to the commit in a bucket and a sum", async () => {
    const stream = keys.stream("signals_stream");
    const start = Date.now();
    const ages = [3_600_000, 70_000, 30_000, 7_000];
    const ids = ages.map((age) => `${start - age}-0`);
    for (const id of ids) await redis.xadd(stream, id, "a", "b");
    await redis.xgroup("CREATE", stream, "signal_processor", "0");
    await redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", stream, ">");
    const items = ids.map((id) => ({ id, effects: NO_EFFECTS }));
    await commit([...items, ...items], { ...GROUP, timing: "f" });
    const { [processingField("f", "sum")]: sum, ...buckets } = await metrics();
    expect(buckets).toStrictEqual({
      [processingField("f", "inf")]: "2",
      [processingField("f", 60_000)]: "1",
      [processingField("f", 10_000)]: "1",
    });
    const least = ages.reduce((total, age) => total + age, 0);
    expect(Number(sum)).toBeGreaterThanOrEqual(least);
    expect(Number(sum)).toBeLessThanOrEqual(least + ages.length * (Date.now() - start + 1));
  });

  it("count every entry that wins its fence in exactly one bucket, whatever becomes of its claim", async () => {
    const ids = await deliver(6);
    await commit([{ id: ids[0] ?? "", effects: dispatch("u") }], ONCE);
    const items = ids.map((id) => ({ id, effects: dispatch("u") }));
    expect(await outcomesOf([...items, ...items], { ...GROUP, timing: "f" })).toStrictEqual([
      "held",
      "fenced",
      ...Array.from({ length: 5 }, () => "duplicate"),
      ...Array.from({ length: 5 }, () => "fenced"),
    ]);
    const found = await metrics();
    const buckets = [...PROCESSING_MS_BOUNDS, "inf" as const].map(
      (bound) => found[processingField("f", bound)] ?? "0",
    );
    expect(buckets.reduce((total, bucket) => total + Number(bucket), 0)).toBe(6);
  });

  it("take an entry whose id lies in the future as committed at once", async () => {
    const stream = keys.stream("signals_stream");
    const id = `${Date.now() + 3_600_000}-0`;
    await redis.xadd(stream, id, "a", "b");
    await redis.xgroup("CREATE", stream, "signal_processor", "0");
    await redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", stream, ">");
    await commit([{ id, effects: NO_EFFECTS }], { ...GROUP, timing: "f" });
    expect(await metrics()).toStrictEqual({
      [processingField("f", 1)]: "1",
      [processingField("f", "sum")]: "0",
    });
  });

  it("never stand in the way: a sum grown out of proportion stays at its limit and commits go on", async () => {
    // Entries with made-up ids such as 1-1 seem to have taken half a century each.
    const items = (from: number): CommitItem[] =>
      Array.from({ length: 128 }, (_, n) => ({ id: `1-${from + n}`, effects: NO_EFFECTS }));
    const statuses: string[] = [];
    for (let from = 0; from < 128 * 6; from += 128) {
      const parts = await commit(items(from), { ...ONCE, timing: "f" });
      for (const { answer } of parts) statuses.push(answer.status);
    }
    expect(new Set(statuses)).toStrictEqual(new Set(["committed"]));
    expect(await metrics()).toStrictEqual({
      [processingField("f", "inf")]: String(128 * 6),
      [processingField("f", "sum")]: "999999999999999",
    });
  });
});

describe("nothing at all is written", () => {
  const DECIDED: CommitOptions = { ...GROUP, timing: "f", decidedOn: { version: "v1", epoch: "7" } };
  let id: string;

  beforeEach(async () => {
    id = await deliverOne();
    await redis.set(keys.referenceCurrent, "v1");
    await redis.hset(keys.control, "epoch", "7");
    await redis.hset(keys.metrics, "signals:dispatched", "3");
    await redis.xadd(keys.stream("signal_results"), "*", "a", "b");
  });

  async function expectUntouched(options: CommitOptions, answer: unknown): Promise<void> {
    const before = await contents();
    expect(Object.keys(before).length).toBeGreaterThan(3);
    const items = [{ id, effects: dispatch("u") }];
    expect(await commit(items, options)).toStrictEqual([{ items, answer }]);
    expect(await contents()).toStrictEqual(before);
    expect(await pendingCount()).toBe(1);
  }

  it("unless what the entries were decided on is current", async () => {
    expect(await outcomesOf([{ id, effects: dispatch("u") }], DECIDED)).toStrictEqual(["applied"]);
  });

  const changes: readonly { what: string; change: () => Promise<unknown>; version: string; epoch: string }[] =
    [
      {
        what: "the snapshot was swapped",
        change: () => redis.set(keys.referenceCurrent, "v2"),
        version: "v2",
        epoch: "7",
      },
      {
        what: "the snapshot is gone",
        change: () => redis.del(keys.referenceCurrent),
        version: "",
        epoch: "7",
      },
      {
        what: "somebody was paused",
        change: () => redis.hincrby(keys.control, "epoch", 1),
        version: "v1",
        epoch: "8",
      },
      { what: "the control hash is gone", change: () => redis.del(keys.control), version: "v1", epoch: "0" },
    ];
  it.each(changes)("when $what", async ({ change, version, epoch }) => {
    await change();
    await expectUntouched(DECIDED, { status: "stale", version, epoch });
  });

  it("when nobody was ever paused and the entries were decided on a pause", async () => {
    await redis.del(keys.control);
    const never = { ...DECIDED, decidedOn: { version: "v1", epoch: "0" } };
    expect(await outcomesOf([{ id, effects: NO_EFFECTS }], never)).toStrictEqual(["applied"]);
  });

  const foreign: readonly { what: string; key: (keys: Keys) => string; wanted: string }[] = [
    { what: "a target of the won branch", key: (k) => k.stream("strategy_input_stream"), wanted: "stream" },
    { what: "a target of both branches", key: (k) => k.stream("signal_results"), wanted: "stream" },
    { what: "metrics", key: (k) => k.metrics, wanted: "hash" },
    { what: "control", key: (k) => k.control, wanted: "hash" },
  ];
  it.each(foreign)("when $what is of another type", async ({ key, wanted }) => {
    await redis.del(key(keys));
    await redis.set(key(keys), "x");
    const problem = `is a string, expected a ${wanted}`;
    await expectUntouched(DECIDED, { status: "blocked", key: key(keys), problem });
    await expectUntouched(GROUP, { status: "blocked", key: key(keys), problem });
  });

  it("when reference:current is of another type", async () => {
    await redis.del(keys.referenceCurrent);
    await redis.rpush(keys.referenceCurrent, "v1");
    const problem = "is a list, expected a string";
    await expectUntouched(DECIDED, { status: "blocked", key: keys.referenceCurrent, problem });
  });

  it.each([GROUP, DEAD_LETTER])(
    "when the source of fence $fence.kind is of another type",
    async (options) => {
      const source = keys.stream(options === GROUP ? "signals_stream" : "dead_letters");
      await redis.del(source);
      await redis.set(source, "x");
      const before = await contents();
      const items = [{ id, deadLetterId: "1-1", effects: dispatch("u") }];
      const answer = { status: "blocked", key: source, problem: "is a string, expected a stream" };
      expect(await commit(items, options)).toStrictEqual([{ items, answer }]);
      expect(await contents()).toStrictEqual(before);
    },
  );

  it("when a target of the branch for a lost claim is of another type, once that is needed", async () => {
    await redis.set(keys.stream("system_events"), "x");
    const ifLost: Branch = { append: [{ stream: "system_events", fields: { a: "b" } }], count: [] };
    const items = [{ id, effects: { ...dispatch("u"), claim: { uid: "u", ifLost } } }];
    await redis.set(keys.dedup("u"), "1-0");
    const before = await contents();
    const parts = await commit(items, GROUP);
    expect(parts).toMatchObject([{ answer: { status: "blocked", key: keys.stream("system_events") } }]);
    expect(await contents()).toStrictEqual(before);
    await redis.del(keys.dedup("u"));
    expect(await outcomesOf(items)).toStrictEqual(["applied"]);
  });

  it.each([
    "",
    "abc",
    "1.5",
    "1e3",
    " 1",
    "-",
    "--1",
    "-1.5",
    "1-",
    "1\n",
    "0x10",
    "9999999999999999",
    "nan",
  ])("when a counter to be raised holds %j", async (value) => {
    const problem = (field: string) => `field ${field} is not an integer of up to 15 digits`;
    await redis.hset(keys.metrics, "signals:dispatched", value);
    await expectUntouched(GROUP, {
      status: "blocked",
      key: keys.metrics,
      problem: problem("signals:dispatched"),
    });
    await redis.hdel(keys.metrics, "signals:dispatched");
    await redis.hset(keys.metrics, processingField("f", "sum"), value);
    await expectUntouched(DECIDED, {
      status: "blocked",
      key: keys.metrics,
      problem: problem(processingField("f", "sum")),
    });
  });

  it.each(["strategy_input_stream", "signal_results"] as const)("when %s has no ids left", async (target) => {
    await redis.xadd(keys.stream(target), MAX_ID, "a", "b");
    const problem = `has no entry ids left: its last one is ${MAX_ID}`;
    await expectUntouched(GROUP, { status: "blocked", key: keys.stream(target), problem });
  });

  it("when a target has no ids left although its entries are gone", async () => {
    const target = keys.stream("signal_results");
    await redis.xadd(target, MAX_ID, "a", "b");
    await redis.xtrim(target, "MAXLEN", 0);
    const problem = `has no entry ids left: its last one is ${MAX_ID}`;
    await expectUntouched(GROUP, { status: "blocked", key: target, problem });
  });

  it("by the first call or any other of a large commit", async () => {
    const ids = await deliver(3 * CALL_LIMITS.entries);
    await redis.set(keys.referenceCurrent, "v2");
    const before = await contents();
    const parts = await commit(
      ids.map((one) => ({ id: one, effects: dispatch(one) })),
      DECIDED,
    );
    expect(parts.map(({ answer }) => answer.status)).toStrictEqual(["stale", "stale", "stale"]);
    expect(await contents()).toStrictEqual(before);
  });

  it.each<{ what: string; item: Partial<CommitItem>; options: CommitOptions }>([
    { what: "an id that is none", item: { id: "abc" }, options: GROUP },
    { what: "an id beyond 64 bits", item: { id: "18446744073709551616-0" }, options: GROUP },
    { what: "an id that is none in a manual run", item: { id: "posted" }, options: { ...ONCE, timing: "f" } },
    { what: "no dead letter to its retry", item: {}, options: DEAD_LETTER },
    { what: "a dead letter's id that is none", item: { deadLetterId: "x" }, options: DEAD_LETTER },
    {
      what: "an entry without fields",
      item: { effects: { append: [{ stream: "signal_results", fields: {} }], count: [] } },
      options: GROUP,
    },
  ])("for any item of a call with $what", async ({ item, options }) => {
    const [deadLetterId = ""] = await addEntries(redis, keys.stream("dead_letters"), 1);
    const before = await contents();
    const good: CommitItem = { id, deadLetterId, effects: dispatch("u") };
    await expect(commit([good, { id, effects: dispatch("w"), ...item }], options)).rejects.toThrow(
      /not the id of an entry|without fields/,
    );
    expect(await contents()).toStrictEqual(before);
  });

  it("for no items", async () => {
    const before = await contents();
    expect(await commit([], GROUP)).toStrictEqual([]);
    expect(await contents()).toStrictEqual(before);
  });
});

describe("the commit script", () => {
  it("touches no key it has not declared, on any of its ways", async () => {
    const ids = await deliver(4);
    const letters = await addEntries(redis, keys.stream("dead_letters"), 2);
    await redis.set(keys.referenceCurrent, "v1");
    const decidedOn = { version: "v1", epoch: "0" };
    const seen = new Set<string>();
    const access = await scriptAccess(redis, keys.prefix, async () => {
      const uids = ids.map((id, n) => ({ id, effects: dispatch(`u${n % 3}`) }));
      const commits: readonly (readonly [CommitItem[], CommitOptions])[] = [
        [uids, { ...ONCE, timing: "f" }],
        [uids, { ...GROUP, timing: "f", decidedOn }],
        [uids, GROUP],
        [uids.slice(0, 2).map((item, n) => ({ ...item, deadLetterId: letters[n] ?? "" })), DEAD_LETTER],
        [uids, { ...GROUP, decidedOn: { ...decidedOn, epoch: "1" } }],
        [uids, labelled(["1"])],
        [uids, labelled(["3"], "2")],
      ];
      for (const [items, options] of commits) {
        for (const outcome of await outcomesOf(items, options)) seen.add(outcome);
      }
    });
    expect(seen).toStrictEqual(new Set(["applied", "duplicate", "held", "fenced", "stale", "early"]));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThan(50);
  });

  it("would be caught touching a key it has not declared", async () => {
    const own = `return redis.call('SET', KEYS[1] .. 'x', 1)`;
    const access = await scriptAccess(redis, keys.prefix, () => redis.eval(own, 1, keys.metrics));
    expect(access).toStrictEqual({ touched: 1, undeclared: [`SET ${keys.metrics}x`] });
  });
});
