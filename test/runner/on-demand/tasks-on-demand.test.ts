import { describe, expect, test } from "vitest";
import * as z from "zod";
import { UnavailableError } from "../../../runner/engine/retry-until-stopped.ts";
import {
  retryBinding,
  retryDeadLetters,
  type RetryAttempt,
} from "../../../runner/on-demand/retry-dead-letters.ts";
import { runEntries, type RunAnswer } from "../../../runner/on-demand/run-entries.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import type { Entry } from "../../../shared/entry.ts";
import { takeLease } from "../../../shared/io/redis/lease.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import { outcomeRecordSchema } from "../../../shared/records.ts";
import { defineStrategy, PermanentError } from "../../../shared/strategy.ts";
import { rowsWithStrategies, strategyRow, taskFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp } from "../http/http-fixture.ts";

const fixture = useHttpApp({ rows: rowsWithStrategies([strategyRow(10, { handler: "test" })]) });

/** Services whose strategy does this, and the signals it was run for. */
function servicesWith(act: (entryId: string) => Promise<void>): { services: Services; runs: string[] } {
  const runs: string[] = [];
  const handler = defineStrategy({
    name: "test",
    params: z.object({}),
    async run({ signal }) {
      runs.push(signal.entryId);
      await act(signal.entryId);
      return { status: "executed" };
    },
  });
  return { services: { ...fixture.services, handlers: [handler] }, runs };
}

/** Long enough for whoever is not held back to come in between. */
async function slowly(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await fixture.services.redis.ping();
}

function task(sequence: number): Entry {
  const changes = { entry_id: `17-${sequence}`, sent_at: new Date().toISOString() };
  return { id: `1-${sequence}`, fields: taskFields(Date.now(), changes) };
}

async function run(entries: readonly Entry[], services: Services): Promise<RunAnswer> {
  const request = {
    functionName: "execute-strategies",
    stream: "strategy_input_stream",
    entries,
    invocation: "once-only",
    requestedBy: "ann",
  } as const;
  return runEntries(request, services);
}

const outcomes = async () =>
  (await fieldsIn(fixture.services.redis, fixture.services.keys.stream("signal_results"))).filter(
    ({ kind }) => kind === "outcome",
  );

const reasons = async () =>
  (await outcomes()).map(({ data }) => outcomeRecordSchema.parse(JSON.parse(data ?? "")).reason);

describe("posted tasks", () => {
  test("that were begun when the time is up, or the process stops, are finished and recorded; the same call again runs the others", async () => {
    const stop = new AbortController();
    const { services, runs } = servicesWith(async () => {
      stop.abort();
      await slowly();
    });
    // Of one strategy and symbol: one after the other.
    const entries = [task(1), task(2), task(3)];
    const first = await run(entries, { ...services, stopping: stop.signal });
    const left = {
      status: "left",
      error: "the process stopped or its time was up before the task was started",
    };
    expect(first.results).toEqual([
      { id: "1-1", status: "committed", outcome: "applied" },
      { id: "1-2", ...left },
      { id: "1-3", ...left },
    ]);
    expect(runs).toEqual(["17-1"]);
    expect(await outcomes()).toMatchObject([{ entry_id: "17-1" }]);

    const second = await run(entries, services);
    expect(second.results.map(({ outcome }) => outcome)).toEqual(["fenced", "applied", "applied"]);
    expect(runs).toEqual(["17-1", "17-2", "17-3"]);
  });

  test("are run once, however many call with the same invocation at once", async () => {
    const { services, runs } = servicesWith(slowly);
    const answers = await Promise.all(Array.from({ length: 4 }, async () => run([task(1)], services)));
    const outcome = answers.map(({ results }) => results[0]?.outcome ?? "none");
    expect(outcome.toSorted((a, b) => a.localeCompare(b))).toEqual(["applied", "fenced", "fenced", "fenced"]);
    expect(runs).toEqual(["17-1"]);
    expect(await outcomes()).toHaveLength(1);
  });

  test("are not run for a strategy that has been paused meanwhile", async () => {
    const { redis, keys } = fixture.services;
    const { services, runs } = servicesWith(async () =>
      pause(redis, keys, 10, { by: "ann", at: Date.now() }),
    );
    await run([task(1), task(2)], services);
    expect(runs).toEqual(["17-1"]);
    expect(await reasons()).toEqual([null, "paused"]);
  });

  test("that have been run are recorded as soon as that works", async () => {
    const { redis, keys } = fixture.services;
    const results = keys.stream("signal_results");
    const kept = `${results}:kept`;
    // Nothing can be committed between the end of the first and that of the second, which run side by side.
    const { services, runs } = servicesWith(async (entryId) => {
      if (entryId === "17-1") {
        await redis.rename(results, kept);
        await redis.set(results, "something else");
      } else {
        await slowly();
        await redis.rename(kept, results);
      }
    });
    const other = task(2);
    const entries = [task(1), { ...other, fields: { ...other.fields, symbol: "ETHUSDT" } }];
    const answer = await run(entries, services);
    expect(answer.results.map(({ outcome }) => outcome)).toEqual(["applied", "applied"]);
    expect(runs.toSorted((one, two) => one.localeCompare(two))).toEqual(["17-1", "17-2"]);
    expect(await outcomes()).toHaveLength(2);
  });

  test("are not run while another call of the invocation is, and whoever asks is told", async () => {
    const { services, runs } = servicesWith(slowly);
    const { redis, keys } = services;
    const lease = await takeLease(redis, keys.lease("invocation", "once-only"), 60_000);
    const asked = run([task(1)], { ...services, stopping: AbortSignal.timeout(100) });
    await expect(asked).rejects.toThrow(
      new UnavailableError("another call is running tasks of invocation once-only"),
    );
    expect(runs).toEqual([]);
    await lease?.release();
    expect((await run([task(1)], services)).results).toMatchObject([{ outcome: "applied" }]);
  });
});

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
