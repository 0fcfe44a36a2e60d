import type { Binding } from "../../../runner/engine/binding.ts";
import type { ProcessDeps } from "../../../runner/engine/process-batch.ts";
import type {
  Commit,
  CommitAnswer,
  CommitItem,
  CommitPart,
  DecidedOn,
  StaleAnswer,
} from "../../../shared/commit.ts";
import type { Entry } from "../../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../../shared/function.ts";

/** A function and a commit that answer as a test says, and keep what they were asked. */

export const entries: Entry[] = ["1-0", "2-0", "3-0"].map((id) => ({ id, fields: {} }));
const never = new AbortController().signal;

/** A function that must not be called twice for an entry, with the calls there were. */
export function onceOnly(): { binding: Binding; runs: string[][]; forgotten: () => number } {
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
    invalidate() {
      forgotten += 1;
    },
  };
  return { binding, runs, forgotten: () => forgotten };
}

/** The same function, whose answers were decided on this. */
export function decidedOn(binding: Binding, on: DecidedOn): Binding {
  return {
    ...binding,
    async *run(given) {
      for await (const answer of binding.run(given))
        yield answer.status === "answered" ? { ...answer, decidedOn: on } : answer;
    },
  };
}

/** A commit that answers as told, call by call, with the ids it was given. */
export function answering(answers: ((items: readonly CommitItem[]) => [number, CommitAnswer][])[]): {
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

export function committed(count: number): [number, CommitAnswer] {
  return [count, { status: "committed", outcomes: Array.from({ length: count }, () => "applied" as const) }];
}

export function allCommitted<Item extends CommitItem>(items: readonly Item[]): CommitPart<Item>[] {
  const [, answer] = committed(items.length);
  return [{ items, answer }];
}

export const blocked: CommitAnswer = {
  status: "blocked",
  key: "metrics",
  problem: "is a string, expected a hash",
};
export const stale: CommitAnswer = { status: "stale", version: "v2", epoch: "0" };
export const mistimed = (aheadMs: number): StaleAnswer => ({
  status: "stale",
  version: "v2",
  epoch: "0",
  aheadMs,
});
export const early: CommitAnswer = { status: "early" };

export function depsWith(commit: Commit, reporters: string[]): ProcessDeps {
  return {
    commit,
    clock: {
      now: () => 0,
      sample: async () => undefined,
      isDue: () => false,
      check: async () => 0,
      steadyMs: () => Infinity,
    },
    events: { publish: () => undefined, flush: async () => undefined },
    reporter: { failed: (error) => void reporters.push(String(error)), recovered: () => undefined },
    stopping: never,
    abort: never,
  };
}

export const options = { deliveries: 1 };
