import { randomBytes } from "node:crypto";
import type { CommitTurn } from "../../shared/commit.ts";

/** The order in which one reader's batches are committed. */
export interface CommitOrder {
  /** The slot after all that were given before. */
  nextSlot(): CommitSlot;
}

/**
 * A batch's place in the order. Its commit calls are sent while those of the batch before are still on their way: Redis accepts
 * them only right after these, so that the order holds whatever happens.
 */
export interface CommitSlot {
  /**
   * Resolves when calls of this batch may be sent. The first time: as soon as those of the batch before are sent. Later, with more
   * calls of the batch or after a failure: when all batches before have ended. `isLast`: no other call of the batch follows.
   */
  waitTurn(options: { readonly calls: number; readonly isLast: boolean }): Promise<CommitTurn>;
  /** Whether a batch that was in flight when this slot was given has been aborted since: this one would be committed before it. */
  isBehindAborted(): boolean;
  /** To be called when the work on the batch has ended; `aborted`: before everything was committed. */
  end(options: { readonly aborted: boolean }): void;
}

/** @param key where Redis keeps the label of the last call it has accepted */
export function openCommitOrder(key: string): CommitOrder {
  const run = randomBytes(8).toString("hex");
  let labels = 0;
  let inFlight: readonly Slot[] = [];
  const newLabel = (): string => `${run}-${(labels += 1)}`;
  return {
    nextSlot() {
      const before = inFlight.filter((slot) => !slot.isOver());
      const slot = new Slot(key, before, newLabel);
      inFlight = [...before, slot];
      return slot;
    },
  };
}

class Slot implements CommitSlot {
  readonly #key: string;
  readonly #newLabel: () => string;
  /** Those that were in flight when this one was given, in their order. */
  #before: readonly Slot[];
  #turns = 0;
  /** Label of the batch's last call, once that is sent; undefined when the batch ends without one. */
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
      // What was sent was not accepted: the batches after this one wait for what is sent now.
      this.#sent = deferred();
      this.#isSent = false;
    }
    const follows = await this.#follows();
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
    // Otherwise all batches there ever were would stay in memory.
    this.#before = [];
    this.#isOver = true;
    this.#aborted = aborted;
    this.#sent.resolve(undefined);
    this.#ended.resolve();
  }

  isOver(): boolean {
    return this.#isOver;
  }

  /** The call that Redis must have accepted right before; '' when there is none, or it is certain. */
  async #follows(): Promise<string> {
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
