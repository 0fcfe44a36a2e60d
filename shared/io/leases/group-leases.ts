import type { Redis } from "ioredis";
import type { GroupHolding } from "../../commit.ts";
import { LEASE_MS_MAX, type GroupLease, type SeenExpired } from "../../group-lease.ts";
import { ORDERED_GROUPS, type Keys, type OrderedGroup } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { LOOK_SCRIPT, RELEASE_SCRIPT, RENEW_SCRIPT, TAKE_SCRIPT } from "./group-lease-scripts.ts";

/** This room keeps in Redis which runner holds a group, and which routers live. */

/** The leases of the ordered groups. Each call is one script; it rejects when Redis does not answer or a key has another type. */
export interface GroupLeases {
  /** All leases at one moment. */
  look(): Promise<LeasesSeen>;
  /** Takes a lease that is free, or the very one that was seen to be expired a third of its life ago; undefined: it is held. */
  take(holding: GroupHolding, options: TakeOptions): Promise<number | undefined>;
  /** False: the group has another holder, or none. */
  renew(holding: GroupHolding): Promise<boolean>;
  /** Removes the lease, unless it is another's. */
  release(holding: GroupHolding): Promise<boolean>;
}

export interface LeasesSeen {
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** Without those that are free. */
  readonly leases: ReadonlyMap<OrderedGroup, GroupLease>;
  /** Of what could not be read, what Redis says. */
  readonly unreadable: ReadonlyMap<OrderedGroup, string>;
}

export interface TakeOptions {
  readonly runner: string;
  readonly functions: readonly string[];
  /** The expired lease that is to be replaced. */
  readonly seen?: SeenExpired | undefined;
}

export function groupLeasesOn(
  redis: Redis,
  keys: Keys,
  { leaseMs }: { readonly leaseMs: number },
): GroupLeases {
  const look = defineScript(redis, "lookAtLeases", LOOK_SCRIPT);
  const take = defineScript(redis, "takeGroupLease", TAKE_SCRIPT);
  const renew = defineScript(redis, "renewGroupLease", RENEW_SCRIPT);
  const release = defineScript(redis, "releaseGroupLease", RELEASE_SCRIPT);
  const all = ORDERED_GROUPS.map((group) => keys.groupLease(group));
  return {
    async look() {
      return parseLook((await look(all, [])) as LookReply, { leaseMs });
    },
    async take({ group, token }, { runner, functions, seen }) {
      const former = seen === undefined ? ["", "", ""] : [seen.token, seen.until, seen.at];
      const taken = await take(
        [keys.groupLease(group)],
        [token, runner, functions.join(","), leaseMs, ...former],
      );
      return taken === 0 ? undefined : Number(taken);
    },
    renew: async ({ group, token }) => (await renew([keys.groupLease(group)], [token, leaseMs])) === 1,
    release: async ({ group, token }) => (await release([keys.groupLease(group)], [token])) === 1,
  };
}

/** What counts for a lease that does not say for how long a renewal is valid: each that a router takes does. */
const LEASE_MS_DEFAULT = 5_000;

/** For those who only read them: one call, on any connection. */
export async function readGroupLeases(redis: Redis, keys: Keys): Promise<LeasesSeen> {
  return groupLeasesOn(redis, keys, { leaseMs: LEASE_MS_DEFAULT }).look();
}

type LookReply = readonly [number, ...(readonly (string | null)[] | string)[]];

function parseLook([now, ...found]: LookReply, { leaseMs }: { readonly leaseMs: number }): LeasesSeen {
  const leases = new Map<OrderedGroup, GroupLease>();
  const unreadable = new Map<OrderedGroup, string>();
  for (const [index, group] of ORDERED_GROUPS.entries()) {
    const fields = found[index] ?? [];
    if (typeof fields === "string") {
      unreadable.set(group, fields);
      continue;
    }
    const [token, runner, functions, since, until, validMs] = fields;
    // What is damaged counts as long expired.
    if (token === null || token === undefined) continue;
    leases.set(group, {
      token,
      runner: runner ?? "",
      functions: (functions ?? "").split(",").filter((name) => name !== ""),
      since: wholeOf(since),
      until: wholeOf(until),
      validMs: validOr(leaseMs, wholeOf(validMs)),
    });
  }
  return { now, leases, unreadable };
}

function wholeOf(text: string | null | undefined): number {
  return text !== null && text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

function validOr(leaseMs: number, validMs: number): number {
  return validMs === 0 || validMs > LEASE_MS_MAX ? leaseMs : validMs;
}
