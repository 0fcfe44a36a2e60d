import type { Redis } from "ioredis";
import { isExpired, READ_BY } from "../../group-lease.ts";
import type { HolderHealth } from "../../health/holders.ts";
import { ORDERED_GROUPS, type GroupName, type Keys, type OrderedGroup } from "../../keys.ts";
import { readGroupLeases } from "../leases/group-leases.ts";
import { isSilentRouter, readRouters, type RouterEntry } from "../leases/router-registry.ts";
import { SCHEDULED, type Heartbeat } from "../streams/consumer-heartbeats.ts";

/** Who holds an ordered group at one moment. Times are Redis' clock, milliseconds since 1970. */
export interface HolderStatus {
  readonly group: OrderedGroup;
  /** `free`: released, or never taken · `expired`: its holder has not renewed it in time · `unreadable`: the key is no hash. */
  readonly status: "held" | "expired" | "free" | "unreadable";
  /** Who holds it, or held it last; null when it is free. */
  readonly runner: string | null;
  /** Since when. */
  readonly since: number | null;
  /** Until when the lease is valid without a renewal. */
  readonly until: number | null;
  /** When it was renewed last. */
  readonly renewedAt: number | null;
  /** What Redis says about one that cannot be read. */
  readonly problem?: string;
  /** For how long this process has seen that no router holds it, in ms. */
  readonly seenFreeMs: number;
}

/** When this process began to see that a group has no holder, by its own clock. */
export type SeenFree = Map<OrderedGroup, number>;

/** The holders of the ordered groups, and all routers that have given a sign of life not long ago. */
export async function readHolders(
  redis: Redis,
  keys: Keys,
  seenFree: SeenFree = new Map(),
): Promise<{ readonly holders: readonly HolderStatus[]; readonly routers: readonly RouterEntry[] }> {
  const [{ now, leases, unreadable }, routers] = await Promise.all([
    readGroupLeases(redis, keys),
    readRouters(redis, keys),
  ]);
  const holders = ORDERED_GROUPS.map((group): HolderStatus => {
    const lease = leases.get(group);
    const problem = unreadable.get(group);
    const isHeld = lease !== undefined && !isExpired(lease, now);
    if (isHeld) seenFree.delete(group);
    else if (!seenFree.has(group)) seenFree.set(group, performance.now());
    const seenFreeMs = isHeld ? 0 : performance.now() - (seenFree.get(group) ?? performance.now());
    return {
      group,
      status:
        problem !== undefined ? "unreadable" : lease === undefined ? "free" : isHeld ? "held" : "expired",
      runner: lease?.runner ?? null,
      since: lease?.since ?? null,
      until: lease?.until ?? null,
      renewedAt: lease === undefined ? null : lease.until - lease.validMs,
      ...(problem === undefined ? {} : { problem }),
      seenFreeMs: Math.round(seenFreeMs),
    };
  });
  return { holders, routers };
}

/** What of a status says who may read a group. */
export interface HoldingStatus {
  readonly holders: readonly HolderStatus[];
  readonly routers: readonly RouterEntry[];
  readonly loops: readonly Heartbeat[];
  readonly now: number;
}

/** The same as facts for health; undefined for a group that keeps no order. */
export function holderHealth(group: GroupName, status: HoldingStatus): HolderHealth | undefined {
  const { holders, routers, now } = status;
  const found = holders.find((holder) => holder.group === group);
  if (found === undefined) return undefined;
  const { runner, since, until, problem, seenFreeMs } = found;
  const readBy = READ_BY[found.group];
  const isLiving = (router: RouterEntry): boolean =>
    !isSilentRouter(router, now) && router.functions.includes(readBy);
  return {
    lease: found.status,
    ...(problem === undefined ? {} : { problem }),
    ...(runner === null ? {} : { runner }),
    ...(found.status === "held" && since !== null ? { heldMs: Math.max(0, now - since) } : {}),
    ...(found.status === "expired" && until !== null ? { expiredMs: Math.abs(now - until) } : {}),
    seenFreeMs,
    readBy,
    living: routers.filter(isLiving).length,
    withoutLease: readersWithoutLease(found.group, status),
  };
}

/** A loop that was stopped or killed is no longer listed as a reader after this time. */
const READ_MS_MAX = 10_000;

/** Consumers that read the group now, are not its holder, and are no routers that know of leases. */
export function readersWithoutLease(
  group: OrderedGroup,
  { holders, routers, loops, now }: HoldingStatus,
): string[] {
  const holder = holders.find((each) => each.group === group)?.runner;
  const known = new Set([SCHEDULED, holder, ...routers.map(({ consumer }) => consumer)]);
  return loops
    .filter((loop) => loop.group === group && Math.abs(now - loop.at) < READ_MS_MAX)
    .flatMap(({ consumer }) => (known.has(consumer) ? [] : [consumer]));
}
