import { expect, test } from "vitest";
import { runTasks } from "../../../runner/bindings/task-ends.ts";
import type { ExecutionOutcome } from "../../../shared/decide/execution-outcome.ts";
import type { Branch } from "../../../shared/function.ts";
import { executionCounters } from "../../../shared/metrics.ts";
import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import { snapshotFrom } from "../../builders.ts";

const snapshot = snapshotFrom();

function branch(status: ExecutionOutcome["status"], durationMs: number | null): Branch {
  const count = executionCounters(7, { status, reason: null, detail: {}, attempt: 1, durationMs });
  return { append: [], count };
}

/** The tasks of a binding, and what was added for health. */
function tracked() {
  const added: [strategyId: number, failed: boolean, snapshot: Snapshot | undefined][] = [];
  const ends = {
    add: (...end: (typeof added)[number]) => void added.push(end),
    flush: async () => {},
    close() {},
  };
  return { tasks: runTasks(ends), added };
}

test("a task counts with the snapshot it was begun on", () => {
  const { tasks, added } = tracked();
  tasks.begun("1-0", snapshot);
  tasks.committed({ id: "1-0", status: "done", effects: branch("failed", 5) });
  tasks.committed({ id: "2-0", status: "done", effects: branch("executed", 5) });
  tasks.over([{ id: "1-0", fields: {} }]);
  tasks.committed({ id: "1-0", status: "done", effects: branch("ignored", 5) });
  expect(added).toEqual([
    [7, true, snapshot],
    [7, false, undefined],
    [7, false, undefined],
  ]);
});

test("one that was given up on has failed; a dead letter that is no task is not counted", () => {
  const { tasks, added } = tracked();
  const dead = { status: "dead", reason: "attempts_exhausted", error: "" } as const;
  tasks.committed({ id: "1-0", ...dead, also: branch("failed", null) });
  tasks.committed({ id: "2-0", ...dead });
  expect(added).toEqual([[7, true, undefined]]);
});

test("one that was not to be run any more says nothing about its strategy", () => {
  const { tasks, added } = tracked();
  tasks.committed({ id: "1-0", status: "done", effects: branch("ignored", null) });
  expect(added).toEqual([]);
});
