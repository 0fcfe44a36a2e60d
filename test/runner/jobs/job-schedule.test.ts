import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startJob, type JobOptions, type JobSchedule } from "../../../runner/jobs/job-schedule.ts";

/** The clock of the timers is a test's own; what runs are real promises. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Run {
  readonly stopping: AbortSignal;
  finish(error?: Error): Promise<void>;
}

/** A job whose runs last until they are told to end. */
function controlledJob(options: Partial<JobOptions> = {}): {
  readonly schedule: JobSchedule;
  readonly runs: readonly Run[];
  readonly said: readonly string[];
} {
  const runs: Run[] = [];
  const said: string[] = [];
  const schedule = startJob({
    job: async (stopping) =>
      new Promise<void>((resolve, reject) => {
        runs.push({
          stopping,
          async finish(error) {
            if (error === undefined) resolve();
            else reject(error);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
    everyMs: 1_000,
    reporter: {
      failed: (error) => void said.push(error instanceof Error ? error.message : "?"),
      recovered: () => void said.push("over"),
    },
    ...options,
  });
  return { schedule, runs, said };
}

describe("a job", () => {
  test("runs at once, and again after its time, at most a tenth earlier", async () => {
    const { runs } = controlledJob();
    expect(runs).toHaveLength(1);
    await runs[0]?.finish();
    await vi.advanceTimersByTimeAsync(899);
    expect(runs).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(101);
    expect(runs).toHaveLength(2);
  });

  test("rests after a run that is asked for all the time, and runs at once when it has rested", async () => {
    const { schedule, runs } = controlledJob({ restMs: (tookMs) => Math.max(50, tookMs) });
    schedule.request();
    await vi.advanceTimersByTimeAsync(200);
    await runs[0]?.finish();
    schedule.request();
    await vi.advanceTimersByTimeAsync(199);
    expect(runs).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toHaveLength(2);
    await runs[1]?.finish();
    await vi.advanceTimersByTimeAsync(50);
    schedule.request();
    expect(runs).toHaveLength(3);
  });

  test("never runs twice at a time, however long it takes", async () => {
    const { runs } = controlledJob();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toHaveLength(1);
    await runs[0]?.finish();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runs).toHaveLength(2);
  });

  test("asked for while it runs, runs once more afterwards, however often it was asked", async () => {
    const { schedule, runs } = controlledJob();
    schedule.request();
    schedule.request();
    schedule.request();
    expect(runs).toHaveLength(1);
    await runs[0]?.finish();
    expect(runs).toHaveLength(2);
    await runs[1]?.finish();
    expect(runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runs).toHaveLength(3);
  });

  test("asked for while it waits, runs at once and then after its time", async () => {
    const { schedule, runs } = controlledJob();
    await runs[0]?.finish();
    await vi.advanceTimersByTimeAsync(500);
    schedule.request();
    expect(runs).toHaveLength(2);
    await runs[1]?.finish();
    await vi.advanceTimersByTimeAsync(899);
    expect(runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(101);
    expect(runs).toHaveLength(3);
  });

  test("that fails says so, is tried again sooner, and says when it is over", async () => {
    const { runs, said } = controlledJob({ retryMs: 50 });
    await runs[0]?.finish(new Error("no"));
    await vi.advanceTimersByTimeAsync(50);
    expect(runs).toHaveLength(2);
    await runs[1]?.finish();
    expect(said).toEqual(["no", "over"]);
  });

  test("that fails is never tried later than its next turn would be", async () => {
    const { runs } = controlledJob({ retryMs: 5_000 });
    await runs[0]?.finish(new Error("no"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runs).toHaveLength(2);
  });

  test("that is stopped hears of it, is waited for, and never runs again", async () => {
    const { schedule, runs } = controlledJob();
    schedule.request();
    let stopped = false;
    const stopping = schedule.stop().then(() => {
      stopped = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(runs[0]?.stopping.aborted).toBe(true);
    expect(stopped).toBe(false);
    await runs[0]?.finish();
    await stopping;
    schedule.request();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(runs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that is stopped between two runs leaves no timer behind", async () => {
    const { schedule, runs } = controlledJob();
    await runs[0]?.finish();
    expect(vi.getTimerCount()).toBe(1);
    await schedule.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
