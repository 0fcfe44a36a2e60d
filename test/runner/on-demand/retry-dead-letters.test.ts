import { describe, expect, test } from "vitest";
import type { Binding } from "../../../runner/engine/binding.ts";
import { retryDeadLetters, type RetryAttempt } from "../../../runner/on-demand/retry-dead-letters.ts";
import { eventLogOn } from "../../../runner/telemetry/event-log.ts";
import { openLogger } from "../../../runner/telemetry/logger.ts";
import { NO_EFFECTS, type Result } from "../../../shared/function.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { redisClock } from "../../../shared/io/redis/clock.ts";
import { invocationRecordSchema } from "../../../shared/records.ts";
import { useDeadLetters } from "./dead-letters-fixture.ts";

const { router, inStream, lettersLeft, addSignalLetter } = useDeadLetters();

describe("a function called by a retry", () => {
  /** Retries with a function that answers so, and gives what came of it. */
  async function retried(id: string, answer: () => Promise<Result[]>): Promise<RetryAttempt[]> {
    const { redis, keys } = router;
    const binding: Binding = {
      functionName: "process-signals",
      stream: "signals_stream",
      group: "signal_processor",
      async *run() {
        yield { status: "answered", results: await answer() };
      },
      invalidate: () => undefined,
    };
    const clock = redisClock(redis);
    const attempts: RetryAttempt[] = [];
    await retryDeadLetters(
      { letters: [id], requestedBy: "ann", onAttempt: (attempt) => attempts.push(attempt) },
      {
        redis,
        keys,
        clock,
        events: eventLogOn(redis, keys, clock, openLogger("silent", { forPeople: false })),
        commit: commitOn(redis, keys, { dedupTtlMs: 60_000 }),
        config: { shadow: false },
        bindingFor: () => binding,
      },
    );
    return attempts;
  }

  test("that throws or asks for another try leaves the dead letter where it is, and says why", async () => {
    const id = await addSignalLetter({ uid: "a", entryId: "17-0" });
    const thrown = await retried(id, async () => Promise.reject(new Error("a bug")));
    expect(thrown).toEqual([{ id, status: "left", note: "a bug" }]);
    const transient = await retried(id, async () => [{ id: "17-0", status: "retry", error: "busy" }]);
    expect(transient).toEqual([{ id, status: "left", note: "busy" }]);
    expect(await lettersLeft()).toBe(1);
    const ends = (await inStream("signal_results")).map(({ data }) =>
      invocationRecordSchema.parse(JSON.parse(data ?? "")),
    );
    expect(ends.map(({ counts }) => counts?.["left"])).toEqual([undefined, 1, undefined, 1]);
  });

  test("makes nothing happen when somebody else takes the dead letter away meanwhile", async () => {
    const id = await addSignalLetter({ uid: "a", entryId: "17-0" });
    const attempts = await retried(id, async () => {
      expect(await router.redis.xdel(router.keys.stream("dead_letters"), id)).toBe(1);
      return [{ id: "17-0", status: "done", effects: { ...NO_EFFECTS, count: ["acted"] } }];
    });
    expect(attempts).toEqual([{ id, status: "gone", note: "another call has retried or discarded it" }]);
    expect(await router.redis.hget(router.keys.metrics, "acted")).toBeNull();
  });
});
