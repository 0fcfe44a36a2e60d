import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";
import { openCommitOrder } from "../engine/commit-order.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";
import type { ProcessingPolicy } from "./processing-policy.ts";
import { RunningWork } from "./running-work.ts";

export interface OrderedBatchesOptions {
  readonly group: StreamGroup;
  readonly inFlight: Pick<InFlightEntries, "ids">;
  /** Redis key of the commit order; of this consumer alone, or it disturbs the order of another. */
  readonly orderKey: string;
  /** Batches processed at a time. */
  readonly inFlightMax: number;
}

/** A few batches at a time, committed in the order they were read in. */
export function orderedBatches({
  group,
  inFlight,
  orderKey,
  inFlightMax,
}: OrderedBatchesOptions): ProcessingPolicy {
  const order = openCommitOrder(orderKey);
  const running = new RunningWork();
  const inOrder: Promise<unknown>[] = [];
  return {
    isOrdered: true,
    countsDeliveries: true,
    running,
    nextSlot: () => order.nextSlot(),
    async onUnsettled(ids) {
      // While Redis is unavailable too, this delivery stays one of the entry's DELIVERIES_MAX.
      await group.setDeliveryCounts(ids.map((id) => ({ id, deliveries: 0 }))).catch(() => undefined);
    },
    async start(work, slot) {
      inOrder.push(running.track(work()).then(({ failed }) => slot?.end({ aborted: failed })));
      if (inOrder.length >= inFlightMax) await inOrder.shift();
    },
    async startReclaim(reclaim) {
      await Promise.all(inOrder);
      // One page, then it is the turn of new entries again.
      await reclaim();
    },
    isFull: () => false,
    isWaiting: () => inFlight.ids.size > 0,
    freeLanes: async () => undefined,
    hasReservedLanes: () => false,
    isBegun: () => false,
    endReservations: () => undefined,
    reserve: async () => undefined,
    isBehindReserved: () => false,
    follow: async (work) => work,
    unfinishedEffects: () => undefined,
  };
}
