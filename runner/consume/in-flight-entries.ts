import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";

/** The entries this consumer is working on, extended in Redis again and again so that no other consumer claims them. */
export interface InFlightEntries {
  readonly ids: ReadonlySet<string>;
  add(ids: readonly string[]): void;
  remove(ids: readonly string[]): void;
  /** Resolves when an entry is removed next, or after `msMax`. */
  untilFewer(msMax: number): Promise<void>;
  close(): void;
}

export interface InFlightOptions {
  readonly claimIdleMs: number;
  readonly onError: (error: unknown) => void;
  readonly onSuccess: () => void;
}

/** None at first; what is added is extended every third of `claimIdleMs`. */
export function openInFlightEntries(
  group: StreamGroup,
  { claimIdleMs, onError, onSuccess }: InFlightOptions,
): InFlightEntries {
  const ids = new Set<string>();
  // An entry that another consumer has claimed stays in the set until its work ends; the fence makes that commit harmless.
  const timer = setInterval(() => {
    if (ids.size > 0) group.extend([...ids]).then(onSuccess, onError);
  }, claimIdleMs / 3);
  let waiting: (() => void)[] = [];
  return {
    ids,
    add: (added) => added.forEach((id) => ids.add(id)),
    remove(removed) {
      for (const id of removed) ids.delete(id);
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    async untilFewer(msMax) {
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, msMax);
        waiting.push(() => {
          clearTimeout(limit);
          resolve();
        });
      });
    },
    close: () => clearInterval(timer),
  };
}
