import { describe, expect, test } from "vitest";
import {
  retryBinding,
  retryDeadLetters,
  type RetryAttempt,
} from "../../../runner/on-demand/retry-dead-letters.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import { takeLease } from "../../../shared/io/redis/lease.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import { PermanentError } from "../../../shared/strategy.ts";
import { task, useTasksOnDemand } from "./tasks-on-demand-fixture.ts";

const { fixture, servicesWith, slowly, outcomes, reasons } = useTasksOnDemand();

describe("the dead letter of a task", () => {
  async function addLetter(): Promise<string> {
    const entry = task(1);
    const dead = { id: entry.id, status: "dead", reason: "attempts_exhausted", error: "busy" } as const;
    const origin = {
      stream: "strategy_input_stream",
      functionName: "execute-strategies",
      deliveries: 5,
      at: Date.now(),
    } as const;
    const { redis, keys } = fixture.services;
    const fields = deadLetterEffects(entry, dead, origin).append[0]?.fields ?? {};
    return String(await redis.xadd(keys.stream("dead_letters"), "*", ...Object.entries(fields).flat()));
  }

  async function retry(id: string, services: Services): Promise<readonly RetryAttempt[]> {
    const attempts: RetryAttempt[] = [];
    await retryDeadLetters(
      { letters: [id], requestedBy: "ann", onAttempt: (attempt) => attempts.push(attempt) },
      { ...services, bindingFor: retryBinding(services) },
    );
    return attempts;
  }

  test("is run once, however many retry it at once", async () => {
    const { services, runs } = servicesWith(slowly);
    const id = await addLetter();
    const attempts = await Promise.all(Array.from({ length: 4 }, async () => retry(id, services)));
    expect(attempts.flat().toSorted((a, b) => a.status.localeCompare(b.status))).toEqual([
      { id, status: "done", note: "executed" },
      ...Array.from({ length: 3 }, () => ({
        id,
        status: "gone",
        note: "another call has retried or discarded it",
      })),
    ]);
    expect(runs).toEqual(["17-1"]);
    expect(await outcomes()).toHaveLength(1);
  });

  test("says so when the strategy has failed", async () => {
    const { services } = servicesWith(async () => Promise.reject(new PermanentError("no", "no_account")));
    const id = await addLetter();
    expect(await retry(id, services)).toEqual([
      { id, status: "done", note: "failed: no_account", failed: true },
    ]);
  });

  test("can be retried again when a retry has left it where it is", async () => {
    const id = await addLetter();
    const failing = servicesWith(async () => Promise.reject(new Error("no")));
    const { redis, keys } = failing.services;
    await redis.del(keys.referenceCurrent);
    expect(await retry(id, failing.services)).toMatchObject([{ status: "left" }]);
    await fixture.services.refresh();
    const { services, runs } = servicesWith(async () => undefined);
    expect(await retry(id, services)).toMatchObject([{ status: "done" }]);
    expect(runs).toEqual(["17-1"]);
  });

  test("is run or not as the pauses are now, whatever this process knew before", async () => {
    const { services, runs } = servicesWith(async () => undefined);
    const { redis, keys } = services;
    await services.routing.get();
    await pause(redis, keys, undefined, { by: "ann", at: Date.now() });
    const waiting = await addLetter();
    expect(await retry(waiting, services)).toMatchObject([
      { status: "left", note: expect.stringContaining("every strategy is paused") },
    ]);
    await resume(redis, keys, undefined);
    await pause(redis, keys, 10, { by: "ann", at: Date.now() });
    const ignored = await addLetter();
    expect(await retry(ignored, services)).toMatchObject([{ status: "done" }]);
    expect(runs).toEqual([]);
    await resume(redis, keys, 10);
    expect(await retry(waiting, services)).toMatchObject([{ status: "done" }]);
    expect(runs).toEqual(["17-1"]);
    expect(await reasons()).toEqual(["paused", null]);
  });

  test("cannot be discarded while it is retried, so that what comes of it is recorded", async () => {
    const letters = deadLettersOn(fixture.services.redis, fixture.services.keys);
    const id = await addLetter();
    const stored = await letters.get(id);
    const discarded: unknown[] = [];
    const { services } = servicesWith(async () => {
      const note = { by: "ann", at: Date.now() };
      discarded.push(stored && (await letters.discard(fixture.services.commit, stored, note)));
      discarded.push((await fixture.call("DELETE", `/dead-letters/${id}`)).body.code);
    });
    expect(await retry(id, services)).toMatchObject([{ status: "done" }]);
    expect(discarded).toEqual(["in_use", "dead_letter_in_use"]);
    expect(await outcomes()).toHaveLength(1);
  });

  test("is left where it is when the process stops, also while another retries it", async () => {
    const { services, runs } = servicesWith(async () => undefined);
    const { redis, keys } = services;
    const id = await addLetter();
    expect(await retry(id, { ...services, stopping: AbortSignal.abort() })).toEqual([
      { id, status: "left", note: "the router is stopping" },
    ]);
    await takeLease(redis, keys.lease("dead_letter", id), 60_000);
    expect(await retry(id, { ...services, stopping: AbortSignal.timeout(100) })).toEqual([
      { id, status: "left", note: "another call is retrying or discarding it" },
    ]);
    expect(runs).toEqual([]);
  });
});
