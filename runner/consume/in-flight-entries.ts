import type { InFlightHeartbeat } from "../../shared/io/streams/in-flight-heartbeats.ts";
import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";

/**
 * The entries this consumer is working on. Its heartbeat keeps other consumers from claiming them, however many there are; where the
 * group may have consumers that know no heartbeats, each entry is extended as well.
 */
export interface InFlightEntries {
  readonly ids: ReadonlySet<string>;
  add(ids: readonly string[]): void;
  remove(ids: readonly string[]): void;
  /** Resolves when an entry is removed next, or after `msMax`. */
  untilFewer(msMax: number): Promise<void>;
  /** Whether the consumer reads. While it does not, its heartbeat ends with the last entry in flight. */
  setReading(isReading: boolean): void;
  close(): void;
}

export interface InFlightOptions {
  readonly group: Pick<StreamGroup, "extend">;
  readonly heartbeat: InFlightHeartbeat;
  readonly claimIdleMs: number;
  /** Whether entries are extended in any case: where it is not known which consumers a scheduler calls. */
  readonly alwaysExtends: boolean;
  /** Whether the consumer reads from the beginning. */
  readonly isReading: boolean;
  readonly onError: (error: unknown) => void;
  readonly onSuccess: () => void;
}

/** None at first. A heartbeat is sent at once and every third of `claimIdleMs`. */
export function openInFlightEntries({
  group,
  heartbeat,
  claimIdleMs,
  alwaysExtends,
  isReading: readsNow,
  onError,
  onSuccess,
}: InFlightOptions): InFlightEntries {
  const ids = new Set<string>();
  let extendsEach = alwaysExtends;
  let isReading = readsNow;
  let isBeating = false;
  // While nothing is in flight nothing depends on it.
  const failed = (error: unknown): void => {
    if (ids.size > 0) onError(error);
  };
  const beat = neverTwice(async () => {
    if (!isReading && ids.size === 0) {
      // What this consumer has left pending may be reclaimed by the one that reads now.
      if (isBeating) await heartbeat.end({ left: false });
      isBeating = false;
      return;
    }
    isBeating = true;
    extendsEach = (await heartbeat.beat(claimIdleMs)) || alwaysExtends;
    onSuccess();
  }, failed);
  // An entry that another consumer has claimed stays in the set until its work ends; the fence makes that commit harmless.
  const extend = neverTwice(async () => {
    if (extendsEach) await group.extend([...ids]);
  }, failed);
  const timer = setInterval(() => {
    void beat().then(extend);
  }, claimIdleMs / 3);
  void beat();
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
    setReading(reads) {
      isReading = reads;
      if (reads && !isBeating) void beat();
    },
    close: () => clearInterval(timer),
  };
}

/** Does nothing while the last call is not over: a slow Redis is not asked again before it has answered. Never rejects. */
function neverTwice(act: () => Promise<void>, onError: (error: unknown) => void): () => Promise<void> {
  let isRunning = false;
  return async () => {
    if (isRunning) return;
    isRunning = true;
    try {
      await act();
    } catch (error) {
      onError(error);
    } finally {
      isRunning = false;
    }
  };
}
