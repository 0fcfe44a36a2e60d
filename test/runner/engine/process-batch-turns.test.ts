import { describe, expect, it } from "vitest";
import type { Binding } from "../../../runner/engine/binding.ts";
import { openCommitOrder, type CommitSlot } from "../../../runner/engine/commit-order.ts";
import { processBatch, type ProcessDeps } from "../../../runner/engine/process-batch.ts";
import type { Commit, CommitAnswer } from "../../../shared/commit.ts";
import { NO_EFFECTS, type Result } from "../../../shared/function.ts";
import {
  entries,
  onceOnly,
  answering,
  committed,
  allCommitted,
  blocked,
  stale,
  early,
  depsWith,
  options,
} from "./process-batch-fixture.ts";

it("what is early since something before it is blocked waits with it, which is said", async () => {
  const { binding, runs } = onceOnly();
  const { commit, given } = answering([
    () => [
      [1, blocked],
      [2, early],
    ],
    () => [committed(3)],
  ]);
  const reporters: string[] = [];
  await processBatch(binding, entries, depsWith(commit, reporters), options);
  expect(given.map((ids) => ids.length)).toStrictEqual([3, 3]);
  expect(runs).toHaveLength(1);
  expect(reporters).toStrictEqual([expect.stringContaining("metrics is a string, expected a hash")]);
});

it.each([
  { what: "early", behind: (): [number, CommitAnswer][] => [[1, early]] },
  { what: "blocked", behind: (): [number, CommitAnswer][] => [[1, blocked]] },
  { what: "not answered", behind: (): [number, CommitAnswer][] => [] },
])(
  "what is $what behind something outdated is not committed again, but decided again with it",
  async ({ behind }) => {
    const { binding, runs, forgotten } = onceOnly();
    const { commit, given } = answering([
      () => [committed(1), [1, stale], ...behind()],
      () => [committed(2)],
    ]);
    const { processed } = await processBatch(binding, entries, depsWith(commit, []), options);
    expect(processed.map(({ id }) => id)).toStrictEqual(["1-0", "2-0", "3-0"]);
    const calls = [
      ["1-0", "2-0", "3-0"],
      ["2-0", "3-0"],
    ];
    expect(runs).toStrictEqual(calls);
    expect(given).toStrictEqual(calls);
    expect(forgotten()).toBe(1);
  },
);

it("a commit waits for its turn, and sends nothing when the end came meanwhile", async () => {
  const { binding } = onceOnly();
  const ends = new AbortController();
  const steps: string[] = [];
  const sequence = openCommitOrder("sequence");
  const before = sequence.nextSlot();
  const commit: Commit = async (items, { turn }) => {
    steps.push("made up");
    const waiting = turn?.(1);
    ends.abort(new Error("the end"));
    before.end({ aborted: false });
    await waiting;
    steps.push(`sent ${items.length}`);
    return [];
  };
  const deps: ProcessDeps = { ...depsWith(commit, []), abort: ends.signal };
  const working = processBatch(binding, entries, deps, { ...options, slot: sequence.nextSlot() });
  expect((await working).stoppedBy).toStrictEqual(new Error("the end"));
  expect(steps).toStrictEqual(["made up"]);
});

it.each([
  { what: "given up", aborted: true, sent: [] },
  { what: "done", aborted: false, sent: ["sent 3"] },
])("while the process is stopping, what comes behind a batch that is $what sends $sent", async (one) => {
  const steps: string[] = [];
  const sequence = openCommitOrder("sequence");
  const before = sequence.nextSlot();
  const commit: Commit = async (items, { turn }) => {
    const waiting = turn?.(1);
    before.end({ aborted: one.aborted });
    await waiting;
    steps.push(`sent ${items.length}`);
    return allCommitted(items);
  };
  const deps: ProcessDeps = { ...depsWith(commit, []), stopping: AbortSignal.abort() };
  const working = processBatch(onceOnly().binding, entries, deps, { ...options, slot: sequence.nextSlot() });
  const { processed, stoppedBy } = await working;
  expect(stoppedBy?.message).toBe(one.aborted ? "an earlier batch could not be committed" : undefined);
  expect(processed).toHaveLength(one.aborted ? 0 : 3);
  expect(steps).toStrictEqual(one.sent);
});

it("a commit of entries that have no place has no turn to wait for", async () => {
  const { binding } = onceOnly();
  const turns: unknown[] = [];
  const commit: Commit = async (items, { turn }) => {
    turns.push(turn);
    return allCommitted(items);
  };
  await processBatch(binding, entries, depsWith(commit, []), options);
  expect(turns).toStrictEqual([undefined]);
});

describe("whether others of the batch come behind what is committed is said", () => {
  const asked: readonly { what: string; run: Binding["run"]; turns: string[] }[] = [
    {
      what: "when all are answered at once",
      run: answersIn([["1-0", "2-0", "3-0"]]),
      turns: ["2 calls, last"],
    },
    {
      what: "when they are answered one after the other",
      run: answersIn([["1-0", "2-0"], ["3-0"]]),
      turns: ["2 calls", "2 calls, last"],
    },
    {
      what: "when one is left where it is",
      run: async function* leaving(given) {
        const results = given.map(({ id }): Result =>
          id === "2-0"
            ? { id, status: "retry", error: "later", expected: true }
            : { id, status: "done", effects: NO_EFFECTS },
        );
        yield { status: "answered", results };
      },
      turns: ["2 calls, last"],
    },
    {
      what: "when they are tried one by one",
      run: async function* throwing(given) {
        if (given.length > 1) throw new Error("thrown");
        const results = given.map(({ id }): Result => ({ id, status: "done", effects: NO_EFFECTS }));
        yield { status: "answered", results };
      },
      turns: ["2 calls", "2 calls", "2 calls"],
    },
  ];

  it.each(asked)("$what", async ({ run, turns }) => {
    const taken: string[] = [];
    const slot: CommitSlot = {
      async waitTurn({ calls, isLast }) {
        taken.push(`${calls} calls${isLast ? ", last" : ""}`);
        return { key: "sequence", labels: [], follows: "", onSent: () => undefined };
      },
      isBehindAborted: () => false,
      end: () => undefined,
    };
    const commit: Commit = async (items, { turn }) => {
      await turn?.(2);
      return allCommitted(items);
    };
    const binding: Binding = { ...onceOnly().binding, run };
    const { processed } = await processBatch(binding, entries, depsWith(commit, []), { ...options, slot });
    expect(processed).toHaveLength(3);
    expect(taken).toStrictEqual(turns);
  });

  /** A function that answers for these entries group by group. */
  function answersIn(groups: readonly (readonly string[])[]): Binding["run"] {
    return async function* inGroups() {
      for (const ids of groups) {
        const results = ids.map((id): Result => ({ id, status: "done", effects: NO_EFFECTS }));
        yield { status: "answered", results };
      }
    };
  }
});
