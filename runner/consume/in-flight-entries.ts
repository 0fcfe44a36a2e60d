import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";

/** The entries a loop works on right now, kept fresh in Redis so that nobody takes them over. */
export interface InFlightEntries {
  readonly ids: ReadonlySet<string>;
  add(ids: readonly string[]): void;
  remove(ids: readonly string[]): void;
  /** Resolves when something is removed next, or after `msMax`. */
  untilFewer(msMax: number): Promise<void>;
  stop(): void;
}

export interface InFlightOptions {
  readonly claimIdleMs: number;
  readonly onError: (error: unknown) => void;
  readonly onSuccess: () => void;
}

/** A hand whose entries are marked as worked on every third of `claimIdleMs`. */
export function openInFlightEntries(
  group: StreamGroup,
  { claimIdleMs, onError, onSuccess }: InFlightOptions,
): InFlightEntries {
  const ids = new Set<string>();
  // Entries taken over by others stay in the set until the work on them ends; the fence makes its commit harmless.
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
    stop: () => clearInterval(timer),
  };
}
