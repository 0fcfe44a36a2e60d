import type {
  Commit,
  CommitItem,
  CommitOptions,
  CommitOutcome,
  CommitPart,
  CommitTurn,
  Fence,
  GroupHolding,
} from "../../shared/commit.ts";
import type { Answer, Binding } from "./binding.ts";
import type { CommitSlot } from "./commit-order.ts";
import {
  DeposedError,
  retryUntilStopped,
  throwRefusal,
  UnavailableError,
  type RetryContext,
} from "./retry-until-stopped.ts";

export interface CommitDeps extends RetryContext {
  readonly commit: Commit;
}

/** Items of one answer, decided on the same snapshot. */
export interface Committing<Item extends CommitItem> extends Pick<Answer, "decidedOn"> {
  readonly items: readonly Item[];
  readonly fence: Fence;
  /** The place of the batch in the commit order; absent: the order does not matter. */
  readonly slot?: CommitSlot | undefined;
  /** Under which the entries were read; absent: not checked. */
  readonly holding?: GroupHolding | undefined;
  /** No other item of the batch follows these. */
  readonly isLast: boolean;
  /** Called with the items of each call as soon as it is known that they are committed. */
  readonly onCommitted: (items: readonly Item[], outcomes: readonly CommitOutcome[]) => void;
}

export type Committed =
  | { readonly status: "committed" }
  | { readonly status: "outdated"; readonly aheadMs: number | undefined };

/**
 * Commits the items, in as many attempts as it takes. `outdated`: what the rest was decided on has changed; decide it again.
 * `aheadMs` is given when that was the time: then first sample the clock.
 * @throws UnavailableError when a commit is blocked, or refused by Redis, while the process is stopping; DeposedError
 */
export async function commitResults<Item extends CommitItem>(
  binding: Binding,
  { items, fence, slot, holding, isLast, decidedOn, onCommitted }: Committing<Item>,
  deps: CommitDeps,
): Promise<Committed> {
  const options: CommitOptions = {
    fence,
    ...(slot === undefined ? {} : { turn: async (calls) => waitTurn(slot, { calls, isLast }, deps) }),
    // The age of an entry that is run on demand says nothing about the router.
    ...(fence.kind === "group" ? { timing: binding.functionName } : {}),
    ...(decidedOn === undefined ? {} : { decidedOn }),
    ...(holding === undefined ? {} : { holding }),
    ...(binding.dispatches === true ? {} : { whenFull: "commit" }),
  };
  // The results stay; only their commit is attempted again, which the fence makes harmless.
  for (let open = items; open.length > 0;) {
    const sent = open;
    const done = new Set<Item>();
    const answers = await retryUntilStopped(deps, async () => {
      const parts = refuseBlocked(await deps.commit(sent, options).catch(throwRefusal));
      // At once: an attempt whose time is up meanwhile is dropped with what it gives.
      for (const { items: some, answer } of parts) {
        if (answer.status !== "committed") continue;
        onCommitted(some, answer.outcomes);
        for (const item of some) done.add(item);
      }
      return parts.map(({ answer }) => answer);
    });
    // What calls before it have committed stays.
    if (answers.some((answer) => answer.status === "deposed")) throw new DeposedError();
    const stale = answers.filter((answer) => answer.status === "stale");
    if (stale.length > 0) {
      if (stale.some(({ version, epoch }) => version !== decidedOn?.version || epoch !== decidedOn.epoch))
        binding.invalidate();
      return { status: "outdated", aheadMs: stale.find(({ aheadMs }) => aheadMs !== undefined)?.aheadMs };
    }
    open = open.filter((item) => !done.has(item));
  }
  return { status: "committed" };
}

async function waitTurn(
  slot: CommitSlot,
  sending: { calls: number; isLast: boolean },
  { abort, stopping }: RetryContext,
): Promise<CommitTurn> {
  const turn = await slot.waitTurn(sending);
  abort.throwIfAborted();
  // It would be committed before them.
  if (stopping.aborted && slot.isBehindAborted())
    throw new UnavailableError("an earlier batch could not be committed");
  return turn;
}

/** The parts as they are. @throws UnavailableError when no call gets further, since a key is not what it should be */
function refuseBlocked<Item extends CommitItem>(
  parts: readonly CommitPart<Item>[],
): readonly CommitPart<Item>[] {
  if (parts.some(({ answer }) => GETS_FURTHER.includes(answer.status))) return parts;
  for (const { answer } of parts) {
    if (answer.status === "blocked") {
      throw new UnavailableError(
        `Redis key ${answer.key} ${answer.problem}; nothing is committed until that is put right`,
      );
    }
  }
  return parts;
}

const GETS_FURTHER: readonly string[] = ["committed", "stale", "deposed"];
