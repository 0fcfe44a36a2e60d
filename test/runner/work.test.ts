import { expect, it } from "vitest";
import type { Binding } from "../../runner/binding.ts";
import { work, type WorkDeps } from "../../runner/work.ts";
import type { Entry } from "../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../shared/function.ts";
import type { Commit, CommitAnswer, CommitItem, CommitPart } from "../../shared/io/commit.ts";

const entries: Entry[] = ["1-0", "2-0", "3-0"].map((id) => ({ id, fields: {} }));
const never = new AbortController().signal;

/** A function that must not be called twice for an entry, with the calls there were. */
function onceOnly(): { binding: Binding; runs: string[][]; forgotten: () => number } {
  const runs: string[][] = [];
  let forgotten = 0;
  const binding: Binding = {
    functionName: "execute-strategies",
    stream: "strategy_input_stream",
    group: "strategy_executor",
    async *run(given) {
      runs.push(given.map(({ id }) => id));
      const results = given.map(({ id }): Result => ({ id, status: "done", effects: NO_EFFECTS }));
      yield { status: "answered", results };
    },
    forget() {
      forgotten += 1;
    },
  };
  return { binding, runs, forgotten: () => forgotten };
}

/** A commit that answers as told, call by call, with the ids it was given. */
function answering(answers: ((items: readonly CommitItem[]) => [number, CommitAnswer][])[]): {
  commit: Commit;
  given: string[][];
} {
  const given: string[][] = [];
  return {
    given,
    commit: async <Item extends CommitItem>(items: readonly Item[]) => {
      const answer = answers[given.length];
      given.push(items.map(({ id }) => id));
      let at = 0;
      return (answer?.(items) ?? []).map(([count, said]): CommitPart<Item> => {
        at += count;
        return { items: items.slice(at - count, at), answer: said };
      });
    },
  };
}

function committed(count: number): [number, CommitAnswer] {
  return [count, { status: "committed", outcomes: Array.from({ length: count }, () => "applied" as const) }];
}

const blocked: CommitAnswer = { status: "blocked", key: "metrics", problem: "is a string, expected a hash" };

function depsWith(commit: Commit, troubles: string[]): WorkDeps {
  return {
    commit,
    clock: { now: () => 0, sample: async () => undefined },
    events: { publish: () => undefined, flush: async () => undefined },
    trouble: { failed: (error) => void troubles.push(String(error)), over: () => undefined },
    stopping: never,
    abort: never,
  };
}

const options = { deliveries: 1 };

it("what a commit has not answered is committed again, without asking the function again", async () => {
  const { binding, runs } = onceOnly();
  const { commit, given } = answering([() => [committed(1)], () => [committed(2)]]);
  const troubles: string[] = [];
  const worked = await work(binding, entries, depsWith(commit, troubles), options);
  expect(worked.map(({ id, status }) => `${id} ${status}`)).toStrictEqual(
    ["1-0", "2-0", "3-0"].map((id) => `${id} committed`),
  );
  expect(given).toStrictEqual([
    ["1-0", "2-0", "3-0"],
    ["2-0", "3-0"],
  ]);
  expect(runs).toStrictEqual([["1-0", "2-0", "3-0"]]);
  expect(troubles).toStrictEqual([]);
});

it("what is blocked is tried again alone, and said once it is all there is", async () => {
  const { binding, runs } = onceOnly();
  const { commit, given } = answering([
    () => [committed(1), [2, blocked]],
    () => [[2, blocked]],
    () => [committed(2)],
  ]);
  const troubles: string[] = [];
  const worked = await work(binding, entries, depsWith(commit, troubles), options);
  expect(worked).toHaveLength(3);
  expect(given.map((ids) => ids.length)).toStrictEqual([3, 2, 2]);
  expect(runs).toHaveLength(1);
  expect(troubles).toStrictEqual([expect.stringContaining("metrics is a string, expected a hash")]);
});

it("only what was decided on something outdated is decided again", async () => {
  const { binding, runs, forgotten } = onceOnly();
  const stale: CommitAnswer = { status: "stale", version: "v2", epoch: "0" };
  const { commit } = answering([() => [committed(2), [1, stale]], () => [committed(1)]]);
  const worked = await work(binding, entries, depsWith(commit, []), options);
  expect(worked.map(({ id }) => id)).toStrictEqual(["1-0", "2-0", "3-0"]);
  expect(runs).toStrictEqual([["1-0", "2-0", "3-0"], ["3-0"]]);
  expect(forgotten()).toBe(1);
});

it("nothing is sent before the batch before is through, nor when the end came meanwhile", async () => {
  const { binding } = onceOnly();
  const ends = new AbortController();
  const steps: string[] = [];
  let through = (): void => undefined;
  const before = new Promise<void>((resolve) => {
    through = resolve;
  });
  const commit: Commit = async (items, { after }) => {
    steps.push("made up");
    const waiting = after?.();
    ends.abort(new Error("the end"));
    through();
    await waiting;
    steps.push(`sent ${items.length}`);
    return [];
  };
  const deps: WorkDeps = { ...depsWith(commit, []), abort: ends.signal };
  const working = work(binding, entries, deps, { ...options, after: before });
  await expect(working).rejects.toThrow("the end");
  expect(steps).toStrictEqual(["made up"]);
});
