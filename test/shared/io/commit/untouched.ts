import { beforeEach, expect } from "vitest";
import type { CommitOptions } from "../../../../shared/commit.ts";
import { GROUP, type CommitFixture } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";

/** What the entry is decided on. */
export const DECIDED: CommitOptions = {
  ...GROUP,
  timing: "f",
  decidedOn: { version: "v1", epoch: "7" },
};

/** An entry delivered before each test, with all keys in place that its commit reads or writes. */
export interface DecidedEntry {
  readonly id: string;
  /** Commits the entry, and makes sure that the answer is this one and nothing was written. */
  readonly expectUntouched: (options: CommitOptions, answer: unknown) => Promise<void>;
}

export function useDecidedEntry(fixture: CommitFixture): DecidedEntry {
  let id: string;
  beforeEach(async () => {
    const { redis, keys } = fixture;
    id = await fixture.deliverOne();
    await redis.set(keys.referenceCurrent, "v1");
    await redis.hset(keys.control, "epoch", "7");
    await redis.hset(keys.metrics, "signals:dispatched", "3");
    await redis.xadd(keys.stream("signal_results"), "*", "a", "b");
  });
  return {
    get id() {
      return id;
    },
    async expectUntouched(options, answer) {
      const before = await fixture.contents();
      expect(Object.keys(before).length).toBeGreaterThan(3);
      const items = [{ id, effects: dispatch("u") }];
      expect(await fixture.commit(items, options)).toStrictEqual([{ items, answer }]);
      expect(await fixture.contents()).toStrictEqual(before);
      expect(await fixture.pendingCount()).toBe(1);
    },
  };
}
