import type { Commit, CommitItem, CommitOptions } from "../../shared/commit.ts";

/** A commit that remembers how many entries have gone through it, by this call or by an earlier one of somebody else. */
export interface CountingCommit {
  readonly commit: Commit;
  readonly count: () => number;
}

/** Counts what has been committed also when the work around it is broken off. */
export function countingCommit(commit: Commit): CountingCommit {
  let count = 0;
  return {
    count: () => count,
    async commit<Item extends CommitItem>(items: readonly Item[], options: CommitOptions) {
      const parts = await commit(items, options);
      for (const part of parts) if (part.answer.status === "committed") count += part.items.length;
      return parts;
    },
  };
}
