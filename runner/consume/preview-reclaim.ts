import { planReclaim } from "../../functions/reclaim.ts";
import { GroupMissingError, type PendingEntry } from "../../shared/io/streams/pending-entries.ts";
import { streamGroupOn } from "../../shared/io/streams/stream-group.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { Services } from "../setup/services.ts";

/** What reclaiming would do to one group now. */
export interface ReclaimPreview {
  readonly stream: StreamName;
  /** Ids of entries that would be reclaimed. */
  readonly take: readonly string[];
  /** Ids of entries that would become dead letters. */
  readonly dead: readonly string[];
  /** Whether there may be more than these. */
  readonly more: boolean;
}

const PREVIEWED_MAX = 1_000;

/** Reads what was left pending in the binding's group and changes nothing. */
export async function previewReclaim(
  binding: Binding,
  { redis, keys, config, consumer }: Services,
): Promise<ReclaimPreview> {
  const { claimIdleMs, deliveriesMax } = config;
  const { stream } = binding;
  try {
    const group = streamGroupOn(redis, keys, { stream, group: binding.group, consumer });
    const pending = await group.abandoned({ idleMs: claimIdleMs, countMax: PREVIEWED_MAX });
    const plan = planReclaim(pending, { held: new Set(), deliveriesMax });
    const idsOf = (entries: readonly PendingEntry[]): string[] => entries.map(({ id }) => id);
    const more = pending.length === PREVIEWED_MAX;
    return { stream, take: idsOf(plan.take), dead: idsOf(plan.giveUp), more };
  } catch (error) {
    if (error instanceof GroupMissingError) return { stream, take: [], dead: [], more: false };
    throw error;
  }
}
