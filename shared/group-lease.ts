import type { FunctionName } from "./function-names.ts";
import type { OrderedGroup } from "./keys.ts";

/**
 * The lease of a group: which runner may read it now. Until when it is valid is Redis' clock; all that is decided on it here is pure.
 */
export interface GroupLease {
  /** Random text, new for each holding. */
  readonly token: string;
  /** Name of the runner as a consumer. */
  readonly runner: string;
  /** What the runner runs, for those who ask whether it also reads groups without an order. */
  readonly functions: readonly string[];
  /** When it was taken, milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds since 1970; moved on by every renewal. */
  readonly until: number;
  /** How long a renewal is valid, in ms: its holder's LEASE_MS. */
  readonly validMs: number;
}

/** The highest LEASE_MS. What is longer in a lease is damaged. */
export const LEASE_MS_MAX = 600_000;

/** An expired lease, as it was when it was first seen to be expired. */
export interface SeenExpired extends Pick<GroupLease, "token" | "until"> {
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
}

/** What one look at a lease means. */
export type LeaseState =
  /** There is none: it was released, or never taken. */
  | { readonly status: "free" }
  | { readonly status: "held"; readonly lease: GroupLease }
  /** Not renewed in time. Its holder may be as late as this look, so it is looked at again. */
  | { readonly status: "expired"; readonly lease: GroupLease; readonly seen: SeenExpired }
  /** Not renewed since a look that is old enough: its holder is gone. */
  | { readonly status: "takeable"; readonly lease: GroupLease; readonly seen: SeenExpired };

/** `seen` is what an earlier look has answered for the same group. `now` is Redis' clock, milliseconds since 1970. */
export function leaseStateOf(
  lease: GroupLease | undefined,
  { now, seen }: { readonly now: number; readonly seen?: SeenExpired | undefined },
): LeaseState {
  if (lease === undefined) return { status: "free" };
  if (!isExpired(lease, now)) return { status: "held", lease };
  const { token, until } = lease;
  const isSame = seen !== undefined && seen.token === token && seen.until === until && seen.at <= now;
  if (!isSame) return { status: "expired", lease, seen: { token, until, at: now } };
  return { status: now - seen.at >= secondLookAfterMs(lease) ? "takeable" : "expired", lease, seen };
}

/** One that is valid for longer than any renewal makes it is from before Redis' clock was set back. */
export function isExpired({ until, validMs }: GroupLease, now: number): boolean {
  return until <= now || until > now + 2 * validMs;
}

/** Longer than the time between two renewals: a holder that lives has renewed by then, also after Redis stood still. */
export function secondLookAfterMs({ validMs }: Pick<GroupLease, "validMs">): number {
  return validMs / 3;
}

/** Which function reads each ordered group. */
export const READ_BY: Readonly<Record<OrderedGroup, FunctionName>> = {
  signal_processor: "process-signals",
  strategy_executor: "execute-strategies",
};

/** How often a holder renews, in ms. */
export function renewEveryMs(leaseMs: number): number {
  return leaseMs / 4;
}
