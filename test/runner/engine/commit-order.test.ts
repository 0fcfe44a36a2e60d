import { setImmediate as everythingElse } from "node:timers/promises";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orderedBatches } from "../../../runner/consume/ordered-batches.ts";
import type { Binding } from "../../../runner/engine/binding.ts";
import { openCommitOrder, type CommitSlot } from "../../../runner/engine/commit-order.ts";
import { processBatch, type ProcessDeps } from "../../../runner/engine/process-batch.ts";
import type { Commit, DecidedOn } from "../../../shared/commit.ts";
import type { Entry } from "../../../shared/entry.ts";
import { HOLDER, type Append, type Result } from "../../../shared/function.ts";
import { CALL_LIMITS } from "../../../shared/io/commit/calls.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis, fieldsIn } from "../../servers/redis-contents.ts";

describe("a place in a sequence", () => {
  const ALL = { calls: 1, isLast: true };
  const SOME = { calls: 1, isLast: false };

  /** Two places, the second behind the first. */
  function twoPlaces(): [CommitSlot, CommitSlot] {
    const sequence = openCommitOrder("sequence");
    return [sequence.nextSlot(), sequence.nextSlot()];
  }

  /** Whether it is settled when everything that waits for nothing from outside has happened. */
  async function isSettled(promise: Promise<unknown>): Promise<boolean> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await everythingElse();
    return settled;
  }

  it("that is the first has its turn at once and comes behind nothing", async () => {
    const turn = await openCommitOrder("sequence").nextSlot().waitTurn(ALL);
    expect([turn.key, turn.follows, turn.labels.length]).toStrictEqual(["sequence", "", 1]);
  });

  it("comes behind the last call of the one before, once that is on its way and not sooner", async () => {
    const [first, second] = twoPlaces();
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    const { labels, onSent } = await first.waitTurn({ calls: 3, isLast: true });
    expect(await isSettled(waiting)).toBe(false);
    onSent();
    expect((await waiting).follows).toBe(labels[2]);
  });

  it("comes behind the one before also when that was on its way already", async () => {
    const [first, second] = twoPlaces();
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect((await second.waitTurn(ALL)).follows).toBe(labels[0]);
  });

  it("waits for what the one before sends last, however often that sends something", async () => {
    const [first, second] = twoPlaces();
    const waiting = second.waitTurn(ALL);
    (await first.waitTurn(SOME)).onSent();
    (await first.waitTurn(SOME)).onSent();
    expect(await isSettled(waiting)).toBe(false);
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect((await waiting).follows).toBe(labels[0]);
  });

  it("waits for the end of the one before if that never says that it has sent all, and then comes behind nothing", async () => {
    const [first, second] = twoPlaces();
    const waiting = second.waitTurn(ALL);
    (await first.waitTurn(SOME)).onSent();
    expect(await isSettled(waiting)).toBe(false);
    first.end({ aborted: false });
    expect((await waiting).follows).toBe("");
  });

  it("whose first turn was in vain waits for the end of the one before, and then comes behind nothing", async () => {
    const [first, second] = twoPlaces();
    (await first.waitTurn(ALL)).onSent();
    (await second.waitTurn(ALL)).onSent();
    const again = second.waitTurn(ALL);
    expect(await isSettled(again)).toBe(false);
    first.end({ aborted: false });
    expect((await again).follows).toBe("");
    expect((await second.waitTurn(ALL)).follows).toBe("");
  });

  it("comes behind what the one before sends again, once its first turn was in vain", async () => {
    const [first, second] = twoPlaces();
    const inVain = await first.waitTurn(ALL);
    inVain.onSent();
    const again = await first.waitTurn(ALL);
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    again.onSent();
    expect((await waiting).follows).toBe(again.labels[0]);
    expect(again.labels).not.toStrictEqual(inVain.labels);
  });

  it("comes behind nothing when the one before ends instead of sending again", async () => {
    const [first, second] = twoPlaces();
    (await first.waitTurn(ALL)).onSent();
    await first.waitTurn(ALL);
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    first.end({ aborted: false });
    expect((await waiting).follows).toBe("");
  });

  it.each(["sent all", "sent nothing"])(
    "comes behind nothing when the one before has ended and had %s",
    async (what) => {
      const [first, second] = twoPlaces();
      if (what === "sent all") (await first.waitTurn(ALL)).onSent();
      first.end({ aborted: false });
      expect((await second.waitTurn(ALL)).follows).toBe("");
    },
  );

  it("comes behind the nearest one that sends something, also when that had to wait itself", async () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    const waiting = third.waitTurn(ALL);
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect(await isSettled(waiting)).toBe(false);
    second.end({ aborted: false });
    expect((await waiting).follows).toBe(labels[0]);
  });

  it("comes behind one that has ended as long as another before that has not", async () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    (await first.waitTurn(ALL)).onSent();
    const { labels, onSent } = await second.waitTurn(ALL);
    onSent();
    second.end({ aborted: false });
    expect((await third.waitTurn(ALL)).follows).toBe(labels[0]);
    const again = third.waitTurn(ALL);
    expect(await isSettled(again)).toBe(false);
    first.end({ aborted: false });
    expect((await again).follows).toBe("");
  });

  it("knows that one before it was given up, until it has ended itself", () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    expect([second, third].map((slot) => slot.isBehindAborted())).toStrictEqual([false, false]);
    second.end({ aborted: false });
    first.end({ aborted: true });
    expect(third.isBehindAborted()).toBe(true);
    expect(sequence.nextSlot().isBehindAborted()).toBe(false);
    third.end({ aborted: false });
    expect(third.isBehindAborted()).toBe(false);
  });

  it("gives each call a label of its own, which no other sequence under that key has", async () => {
    const labels: string[] = [];
    for (const sequence of [openCommitOrder("sequence"), openCommitOrder("sequence")]) {
      for (const slot of [sequence.nextSlot(), sequence.nextSlot()]) {
        for (const calls of [3, 1]) {
          const turn = await slot.waitTurn({ calls, isLast: true });
          turn.onSent();
          expect(turn.labels).toHaveLength(calls);
          labels.push(...turn.labels);
        }
        slot.end({ aborted: false });
      }
    }
    expect(labels).toHaveLength(16);
    expect(new Set(labels).size).toBe(16);
    expect(labels).not.toContain("");
  });
});

describe("batches in a sequence", () => {
  const STREAM = "signals_stream";
  const GROUP = "signal_processor";
  const CONSUMER = "c";
  const NEVER = new AbortController().signal;
  /** What happens to one try of a commit, from its n-th call on or at that one alone. */
  interface Fault {
    /**
     * Never sent · sent, and the answer lost · the control epoch raised before it · another snapshot current meanwhile ·
     * a key of another type meanwhile.
     */
    readonly kind: "unsent" | "unanswered" | "outdated" | "swapped" | "blocked";
    readonly call: number;
    readonly alone: boolean;
  }

  interface BatchCase {
    readonly size: number;
    /** Of the first tries of its commit; those after go well. */
    readonly tries: readonly (readonly Fault[])[];
    /** In how many groups the function answers; what is decided on a snapshot comes in one. */
    readonly answers: number;
    /** Whether the function throws when it is asked for several entries, which are tried one by one then. */
    readonly throws: boolean;
  }

  interface Case {
    readonly batches: readonly BatchCase[];
    /** How many uids there are: signals beyond are duplicates. */
    readonly uids: number;
  }

  /** Entries delivered batch by batch and worked on as the poll loop does it. */
  class Pipeline {
    readonly keys: Keys = keysOf(freshPrefix());
    readonly #asides: Promise<unknown>[] = [];
    #decidedOn: Promise<DecidedOn> | undefined;

    /** Adds `count` entries, each with its number; returns their ids. */
    async fill(count: number): Promise<string[]> {
      const stream = this.keys.stream(STREAM);
      await redis.xgroup("CREATE", stream, GROUP, "0", "MKSTREAM");
      await redis.set(this.keys.referenceCurrent, "v1");
      await redis.hset(this.keys.metrics, "before", "1");
      const added = Array.from({ length: count }, async (_, n) => redis.xadd(stream, "*", "n", n));
      return (await Promise.all(added)).map(String);
    }

    async work({ batches: cases, uids }: Case, commitOf = this.faultyCommit.bind(this)): Promise<void> {
      const group = streamGroupOn(redis, this.keys, { stream: STREAM, group: GROUP, consumer: CONSUMER });
      const orderKey = this.keys.sequence(STREAM, GROUP, CONSUMER);
      const batches = orderedBatches({ group, orderKey, inFlightMax: 3 });
      for (const one of cases) {
        const slot = batches.nextSlot();
        const batch = await group.read(redis, { countMax: one.size, blockMs: 0 });
        const binding = this.#bindingFor(one, uids);
        const deps = depsWith(commitOf(one));
        await batches.start(async () => {
          const { stoppedBy } = await processBatch(binding, batch, deps, { deliveries: 1, slot });
          if (stoppedBy !== undefined) throw stoppedBy;
        }, slot);
      }
      await batches.ended();
      batches.throwFailure();
      await Promise.all(this.#asides);
    }

    /** The commit, each of whose tries goes wrong as told. */
    faultyCommit({ tries }: BatchCase): Commit {
      let done = 0;
      return async (items, options) => {
        const faults = tries[done] ?? [];
        done += 1;
        return commitOn(this.#faulty(faults), this.keys, { dedupTtlMs: 60_000 })(items, options);
      };
    }

    #faulty(faults: readonly Fault[]): Redis {
      let calls = 0;
      return intercepting(async (send) => {
        const n = calls;
        calls += 1;
        const hits = (kind: Fault["kind"]): boolean =>
          faults.some((fault) => fault.kind === kind && (fault.alone ? n === fault.call : n >= fault.call));
        if (hits("unsent")) throw new Error("never sent");
        const { metrics, control, referenceCurrent, prefix } = this.keys;
        // All of it goes out in one go, so that nothing else gets in between.
        if (hits("outdated")) this.#asides.push(redis.hincrby(control, "epoch", 1));
        const swapped = hits("swapped");
        if (swapped) this.#asides.push(redis.set(referenceCurrent, "v2"));
        const blocked = hits("blocked");
        if (blocked) this.#asides.push(redis.rename(metrics, `${prefix}aside`), redis.set(metrics, "x"));
        const answer = send();
        if (blocked) this.#asides.push(redis.rename(`${prefix}aside`, metrics));
        if (swapped) this.#asides.push(redis.set(referenceCurrent, "v1"));
        if (!hits("unanswered")) return answer;
        await answer;
        throw new Error("answer lost");
      });
    }

    /** A function that dispatches each signal; what it decides on is kept until that is outdated. */
    #bindingFor({ answers, throws }: BatchCase, uids: number): Binding {
      const decide = this.#decide.bind(this);
      const invalidate = (): void => {
        this.#decidedOn = undefined;
      };
      return {
        functionName: "process-signals",
        stream: STREAM,
        group: GROUP,
        async *run(entries) {
          if (throws && entries.length > 1) throw new Error("thrown");
          const basis = answers === 1 ? { decidedOn: await decide() } : {};
          const size = Math.ceil(entries.length / answers);
          for (let at = 0; at < entries.length; at += size) {
            const results = entries.slice(at, at + size).map((entry) => dispatched(entry, uids));
            yield { status: "answered", results, ...basis };
          }
        },
        invalidate,
      };
    }

    async #decide(): Promise<DecidedOn> {
      this.#decidedOn ??= redis
        .hget(this.keys.control, "epoch")
        .then((epoch) => ({ version: "v1", epoch: epoch ?? "0" }));
      return this.#decidedOn;
    }
  }

  /** The connection, with each call of the commit script sent by `around`. */
  function intercepting(around: (send: () => Promise<unknown>) => Promise<unknown>): Redis {
    return new Proxy(redis, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name !== "commitEntries" || typeof value !== "function") return value;
        return async (...args: unknown[]) => around(async () => value.apply(redis, args) as Promise<unknown>);
      },
    });
  }

  /** Two tasks if the signal's uid is won, and a record that names its holder in any case. */
  function dispatched({ id, fields }: Entry, uids: number): Result {
    const record = (holder: string): Append => ({
      stream: "signal_results",
      fields: { entry_id: id, holder },
    });
    const tasks: Append = {
      stream: "strategy_input_stream",
      each: [{ strategy_id: "1" }, { strategy_id: "2" }],
      fields: { entry_id: id },
    };
    const ifLost = { append: [record(HOLDER)], count: ["duplicates"] };
    return {
      id,
      status: "done",
      effects: {
        append: [tasks, record(id)],
        count: ["dispatched"],
        claim: { uid: String(Number(fields["n"]) % uids), ifLost },
      },
    };
  }

  function depsWith(commit: Commit): ProcessDeps {
    return {
      commit,
      clock: { now: () => Date.now(), sample: async () => undefined },
      events: { publish: () => undefined, flush: async () => undefined },
      reporter: { failed: () => undefined, recovered: () => undefined },
      stopping: NEVER,
      abort: NEVER,
    };
  }

  let redis: Redis;
  beforeAll(() => {
    redis = connectRedis();
  });
  afterAll(() => redis.quit());

  const fault: fc.Arbitrary<Fault> = fc.record({
    kind: fc.constantFrom("unsent", "unanswered", "outdated", "swapped", "blocked"),
    call: fc.constantFrom(0, 0, 1, 2),
    alone: fc.boolean(),
  });
  const batchCase: fc.Arbitrary<BatchCase> = fc.record({
    // One call, or two or three.
    size: fc.constantFrom(1, 2, 5, 5, 1.2 * CALL_LIMITS.entries, 2.2 * CALL_LIMITS.entries).map(Math.ceil),
    tries: fc.array(fc.array(fault, { maxLength: 2 }), { maxLength: 3 }),
    answers: fc.constantFrom(1, 1, 1, 2),
    throws: fc.constantFrom(false, false, false, false, true),
  });
  const anyCase: fc.Arbitrary<Case> = fc.record({
    batches: fc.array(batchCase, { minLength: 2, maxLength: 5 }),
    uids: fc.constantFrom(5, 100, 10_000),
  });

  it("do everything once and in stream order, whatever becomes of their commits", async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        const pipeline = new Pipeline();
        const { keys } = pipeline;
        const count = one.batches.reduce((total, { size }) => total + size, 0);
        const ids = await pipeline.fill(count);
        await pipeline.work(one);

        const winners = ids.slice(0, one.uids);
        const tasks = await fieldsIn(redis, keys.stream("strategy_input_stream"));
        expect(tasks.map((task) => `${task["entry_id"]} ${task["strategy_id"]}`)).toStrictEqual(
          winners.flatMap((id) => [`${id} 1`, `${id} 2`]),
        );
        const records = await fieldsIn(redis, keys.stream("signal_results"));
        const found = records.map((record) => `${record["entry_id"]} held by ${record["holder"]}`);
        expect(found.toSorted()).toStrictEqual(
          ids.map((id, n) => `${id} held by ${winners[n % one.uids]}`).toSorted(),
        );
        expect((await redis.xpending(keys.stream(STREAM), GROUP))[0]).toBe(0);
        const { dispatched: won, duplicates = "0" } = await redis.hgetall(keys.metrics);
        expect([won, duplicates]).toStrictEqual([winners.length, count - winners.length].map(String));
      }),
      { numRuns: 25 },
    );
  });

  it("are sent while the one before is still on its way", async () => {
    const pipeline = new Pipeline();
    const ids = await pipeline.fill(2);
    const steps: string[] = [];
    let release = (): void => undefined;
    const secondSent = new Promise<void>((resolve) => {
      release = resolve;
    });
    let sent = 0;
    const commit: Commit = async (items, options) => {
      const watched = intercepting(async (send) => {
        sent += 1;
        const n = sent;
        steps.push(`sent ${n}`);
        const answer = await send();
        if (n === 2) release();
        // The first batch has no answer before the second has one.
        await secondSent;
        steps.push(`answered ${n}`);
        return answer;
      });
      return commitOn(watched, pipeline.keys, { dedupTtlMs: 60_000 })(items, options);
    };
    const one: BatchCase = { size: 1, tries: [], answers: 1, throws: false };
    await pipeline.work({ batches: [one, one], uids: 10 }, () => commit);
    expect(steps.slice(0, 2)).toStrictEqual(["sent 1", "sent 2"]);
    const tasks = await fieldsIn(redis, pipeline.keys.stream("strategy_input_stream"));
    expect(tasks.map((task) => task["entry_id"])).toStrictEqual(ids.flatMap((id) => [id, id]));
  });
});
