import { setTimeout as pause } from "node:timers/promises";
import { pagesOf } from "../../shared/io/streams/pages.ts";
import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { ConcurrentWork } from "../engine/binding.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";
import type { ProcessingPolicy } from "./processing-policy.ts";
import { RunningWork } from "./running-work.ts";

export interface ConcurrentTasksOptions {
  readonly work: ConcurrentWork;
  readonly group: StreamGroup;
  readonly inFlight: InFlightEntries;
  /** Batches started at a time; default: as many as fit in flight. */
  readonly batchesMax?: number;
}

/** Entries in flight at a time. */
const IN_FLIGHT_MAX = 5_000;
/** The next task is reclaimed after this time, in ms, also while this one still runs. */
const ALONE_MS = 2_000;
const PAGE_COUNT = 500;

/** As many entries at a time as fit in flight; their order is the work's own affair, by lanes. */
export function concurrentTasks({
  work: tasks,
  group,
  inFlight,
  batchesMax,
}: ConcurrentTasksOptions): ProcessingPolicy {
  const running = new RunningWork();
  const batches: Promise<unknown>[] = [];
  let reclaiming: Promise<unknown> | undefined;
  return {
    isOrdered: false,
    // Redis' count stands for attempts that were started, and starting one raises it.
    countsDeliveries: false,
    running,
    nextSlot: () => undefined,
    onUnsettled: async () => undefined,
    async start(work) {
      const tracked = running.track(work());
      if (batchesMax === undefined) return;
      batches.push(tracked);
      if (batches.length >= batchesMax) await batches.shift();
    },
    async startReclaim(reclaim) {
      const reclaimAll = async (): Promise<void> => {
        while (!(await reclaim()));
      };
      reclaiming ??= running.track(reclaimAll()).finally(() => {
        reclaiming = undefined;
      });
    },
    isFull: () => inFlight.ids.size >= IN_FLIGHT_MAX,
    // A task behind one that another consumer has begun waits for that one.
    isWaiting: () => inFlight.ids.size > 0 && !tasks.isUnderWay() && tasks.reserved.size === 0,
    async freeLanes() {
      const reserved = [...tasks.reserved];
      if (reserved.length === 0) return;
      const pending = new Set(await group.stillPending(reserved));
      for (const id of reserved) if (!pending.has(id)) tasks.release(id);
    },
    hasReservedLanes: () => tasks.reserved.size > 0,
    isBegun: (id) => tasks.isBegun(id),
    endReservations() {
      for (const id of tasks.reserved) tasks.release(id);
    },
    async reserve(found) {
      const ids = found.map(({ id }) => id).filter((id) => !tasks.reserved.has(id));
      for (const page of pagesOf(ids, PAGE_COUNT))
        for (const entry of await group.fetch(page)) tasks.reserve(entry);
    },
    isBehindReserved: (id) => tasks.isBehindReserved(id),
    async follow(work) {
      void running.track(work);
      return Promise.race([work, pause(ALONE_MS, true, { ref: false })]);
    },
    unfinishedEffects: (entry, why) => tasks.unfinishedEffects(entry, why),
  };
}
