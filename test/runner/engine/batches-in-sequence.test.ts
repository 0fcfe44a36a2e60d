import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Commit } from "../../../shared/commit.ts";
import { CALL_LIMITS } from "../../../shared/io/commit/calls.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { interceptCommits } from "../../servers/intercept-commits.ts";
import { connectRedis, fieldsIn } from "../../servers/redis-contents.ts";
import { GROUP, Pipeline, STREAM, type BatchCase, type Case, type Fault } from "./faulty-pipeline.ts";

describe("batches in a sequence", () => {
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
    attempts: fc.array(fc.array(fault, { maxLength: 2 }), { maxLength: 3 }),
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
        const pipeline = new Pipeline(redis);
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

  it("are sent while the one before is still in flight", async () => {
    const pipeline = new Pipeline(redis);
    const ids = await pipeline.fill(2);
    const steps: string[] = [];
    let release = (): void => undefined;
    const secondSent = new Promise<void>((resolve) => {
      release = resolve;
    });
    let sent = 0;
    const commit: Commit = async (items, options) => {
      const watched = interceptCommits(redis, async (send) => {
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
    const one: BatchCase = { size: 1, attempts: [], answers: 1, throws: false };
    await pipeline.work({ batches: [one, one], uids: 10 }, () => commit);
    expect(steps.slice(0, 2)).toStrictEqual(["sent 1", "sent 2"]);
    const tasks = await fieldsIn(redis, pipeline.keys.stream("strategy_input_stream"));
    expect(tasks.map((task) => task["entry_id"])).toStrictEqual(ids.flatMap((id) => [id, id]));
  });
});
