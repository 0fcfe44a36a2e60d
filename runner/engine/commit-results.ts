import type {
  Commit,
  CommitItem,
  CommitOptions,
  CommitOutcome,
  CommitPart,
  CommitTurn,
  Fence,
} from "../../shared/commit.ts";
import type { Answer, Binding } from "./binding.ts";
import type { CommitSlot } from "./commit-order.ts";
import { retryUntilStopped, UnavailableError, type RetryContext } from "./retry-until-stopped.ts";

export interface CommitDeps extends RetryContext {
  readonly commit: Commit;
}

/** Items of one answer, decided on the same. */
export interface Committing<Item extends CommitItem> extends Pick<Answer, "decidedOn"> {
  readonly items: readonly Item[];
  readonly fence: Fence;
  /** Where the batch comes among others; absent: it does not matter. */
  readonly slot?: CommitSlot | undefined;
  /** Nothing of the batch comes behind these. */
  readonly isLast: boolean;
}

export interface Committed<Item extends CommitItem> {
  /** What happened to each item that is committed, call by call. */
  readonly parts: readonly { readonly items: readonly Item[]; readonly outcomes: readonly CommitOutcome[] }[];
  /** What the others were decided on is outdated, and forgotten: they and what comes behind them are to be decided again. */
  readonly isOutdated: boolean;
}

/**
 * Commits the items, in as many tries as it takes, unless what they were decided on is outdated.
 * @throws NotNow when something is in the way while the process is stopping
 */
export async function commitResults<Item extends CommitItem>(
  binding: Binding,
  { items, fence, slot, isLast, decidedOn }: Committing<Item>,
  deps: CommitDeps,
): Promise<Committed<Item>> {
  const options: CommitOptions = {
    fence,
    ...(slot === undefined ? {} : { turn: async (calls) => waitTurn(slot, { calls, isLast }, deps) }),
    // The age of what comes by hand says nothing about the router.
    ...(fence.kind === "group" ? { timing: binding.functionName } : {}),
    ...(decidedOn === undefined ? {} : { decidedOn }),
  };
  const parts: Committed<Item>["parts"][number][] = [];
  // The results stay; only their commit is tried again, which the fence makes harmless.
  for (let left = items; left.length > 0;) {
    const sent = left;
    const answered = await retryUntilStopped(deps, async () =>
      refuseBlocked(await deps.commit(sent, options)),
    );
    const done = new Set<Item>();
    let isOutdated = false;
    for (const { items: some, answer } of answered) {
      if (answer.status === "stale") isOutdated = true;
      if (answer.status !== "committed") continue;
      parts.push({ items: some, outcomes: answer.outcomes });
      for (const item of some) done.add(item);
    }
    if (isOutdated) {
      binding.invalidate();
      // What comes behind is decided again with it, so that it stays behind.
      return { parts, isOutdated };
    }
    left = left.filter((item) => !done.has(item));
  }
  return { parts, isOutdated: false };
}

async function waitTurn(
  slot: CommitSlot,
  sending: { calls: number; isLast: boolean },
  { abort, stopping }: RetryContext,
): Promise<CommitTurn> {
  const turn = await slot.waitTurn(sending);
  abort.throwIfAborted();
  // Otherwise it would be done first.
  if (stopping.aborted && slot.isBehindAborted())
    throw new UnavailableError("what comes before has been given up");
  return turn;
}

/** The answers as they are. @throws NotNow when no call has gone through or is outdated, since a key is in the way */
function refuseBlocked<Item extends CommitItem>(
  parts: readonly CommitPart<Item>[],
): readonly CommitPart<Item>[] {
  if (parts.some(({ answer }) => answer.status === "committed" || answer.status === "stale")) return parts;
  for (const { answer } of parts) {
    if (answer.status === "blocked") {
      throw new UnavailableError(
        `Redis key ${answer.key} ${answer.problem}; nothing is committed until that is put right`,
      );
    }
  }
  return parts;
}
