import { randomBytes } from "node:crypto";
import type { CommitTurn } from "../../shared/commit.ts";

/** The order in which one reader's batches are committed. */
export interface CommitOrder {
  /** The place behind all that were given before. */
  nextSlot(): CommitSlot;
}

/**
 * A batch's place in a sequence. Its calls are sent while those of the batch before are still on their way: Redis lets them
 * through only if these went through, so that the order holds whatever happens.
 */
export interface CommitSlot {
  /**
   * Resolves when calls of this batch may be sent: the first time when the batch before is on its way; from then on, whether
   * they are more of the batch or something was in the way, when all before have ended. `isLast`: nothing of the batch
   * comes behind them.
   */
  waitTurn(options: { readonly calls: number; readonly isLast: boolean }): Promise<CommitTurn>;
  /** Whether a batch that was under way when this place was given has been given up since: this one would go before it. */
  isBehindAborted(): boolean;
  /** To be called when the work on the batch has ended; `aborted`: it was broken off. */
  end(options: { readonly aborted: boolean }): void;
}

/** @param key where Redis keeps the label of the call that went through last */
export function openCommitOrder(key: string): CommitOrder {
  const run = randomBytes(8).toString("hex");
  let labels = 0;
  let underWay: readonly Slot[] = [];
  const newLabel = (): string => `${run}-${(labels += 1)}`;
  return {
    nextSlot() {
      const before = underWay.filter((slot) => !slot.isOver());
      const slot = new Slot(key, before, newLabel);
      underWay = [...before, slot];
      return slot;
    },
  };
}

class Slot implements CommitSlot {
  readonly #key: string;
  readonly #newLabel: () => string;
  /** Those that were under way when this one was given, in their order. */
  #before: readonly Slot[];
  #turns = 0;
  /** Label of the batch's last call, once that is on its way; undefined when the batch ends without. */
  #sent = deferred<string | undefined>();
  #isSent = false;
  readonly #ended = deferred<void>();
  #isOver = false;
  #aborted = false;

  constructor(key: string, before: readonly Slot[], newLabel: () => string) {
    this.#key = key;
    this.#before = before;
    this.#newLabel = newLabel;
  }

  async waitTurn({ calls, isLast }: { calls: number; isLast: boolean }): Promise<CommitTurn> {
    this.#turns += 1;
    if (this.#isSent) {
      // What was sent has not gone through: whoever comes behind it waits for what is sent now.
      this.#sent = deferred();
      this.#isSent = false;
    }
    const follows = await this.#comesBehind();
    const labels = Array.from({ length: calls }, this.#newLabel);
    return {
      key: this.#key,
      labels,
      follows,
      onSent: () => {
        if (!isLast) return;
        this.#isSent = true;
        this.#sent.resolve(labels.at(-1));
      },
    };
  }

  isBehindAborted(): boolean {
    return this.#before.some((slot) => slot.#aborted);
  }

  end({ aborted }: { aborted: boolean }): void {
    // Or all batches there ever were would be kept in memory.
    this.#before = [];
    this.#isOver = true;
    this.#aborted = aborted;
    this.#sent.resolve(undefined);
    this.#ended.resolve();
  }

  isOver(): boolean {
    return this.#isOver;
  }

  /** The call that must have gone through before; '' when there is none, or it is sure. */
  async #comesBehind(): Promise<string> {
    const before = this.#before;
    if (before.every((slot) => slot.isOver())) return "";
    if (this.#turns === 1) {
      for (const slot of before.toReversed()) {
        const label = await slot.#sent.promise;
        if (label !== undefined) return label;
      }
    }
    await Promise.all(before.map(async (slot) => slot.#ended.promise));
    return "";
  }
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
}

function deferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
