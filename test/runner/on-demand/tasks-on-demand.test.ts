import { describe, expect, test } from "vitest";
import { UnavailableError } from "../../../runner/engine/retry-until-stopped.ts";
import { runEntries, type RunAnswer } from "../../../runner/on-demand/run-entries.ts";
import type { Services } from "../../../runner/setup/services.ts";
import type { Entry } from "../../../shared/entry.ts";
import { takeLease } from "../../../shared/io/redis/lease.ts";
import { pause } from "../../../shared/io/reference/control-store.ts";
import { task, useTasksOnDemand } from "./tasks-on-demand-fixture.ts";

const { fixture, servicesWith, slowly, outcomes, reasons } = useTasksOnDemand();

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
      {
        id: "1-1",
        status: "committed",
        outcome: "applied",
        execution: expect.objectContaining({ attempt: 1 }),
      },
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

  test.each([-3_600_000, 3_600_000])(
    "are checked against Redis' own time: one that has just arrived is run although the clock is off by %d ms",
    async (offBy) => {
      const { services, runs } = servicesWith(async () => undefined);
      const clock = { ...services.clock, now: () => services.clock.now() + offBy };
      const old = {
        ...task(2),
        fields: { ...task(2).fields, sent_at: new Date(Date.now() - 400_000).toISOString() },
      };
      await run([task(1), old], { ...services, clock });
      expect(runs).toEqual(["17-1"]);
      expect(new Set(await reasons())).toEqual(new Set([null, "stale"]));
    },
  );

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
