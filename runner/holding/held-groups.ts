import type { GroupHolding } from "../../shared/commit.ts";
import type { LeaseState } from "../../shared/group-lease.ts";
import type { GroupLeases } from "../../shared/io/leases/group-leases.ts";
import type { OrderedGroup } from "../../shared/keys.ts";
import { heldGroup, newToken, type HeldGroup, type LossReason } from "./held-group.ts";
import type { HoldingEvents } from "./holding-events.ts";
import type { Holding } from "./holdings.ts";

/** The groups that this process holds: takes, renews and releases them, and ends what is lost. */
export interface HeldGroups {
  get(group: OrderedGroup): HeldGroup | undefined;
  /** Whether this process has given the group up a short time ago, for another to take it. */
  isStayingAway(group: OrderedGroup): boolean;
  /** Undefined when another one was faster. @throws Error when Redis does not answer */
  take(group: OrderedGroup, options: TakeGroupOptions): Promise<Holding | undefined>;
  /** Renews what is alive, gives up what is stuck, and releases what could not be released before. Never rejects. */
  renew(): Promise<{ readonly failures: readonly unknown[] }>;
  /** Ends all holdings; the leases are released by the next renewal. */
  loseAll(why: LossReason): void;
  /** Releases what is lost and has not been released yet, in one attempt. Never rejects. */
  releaseAll(): Promise<void>;
}

export interface TakeGroupOptions {
  readonly state: Extract<LeaseState, { readonly status: "free" | "takeable" }>;
  /** Whether taking and releasing it is worth an event: not for a call on demand. */
  readonly isReported: boolean;
}

export interface HeldGroupsOptions {
  readonly leases: GroupLeases;
  readonly consumer: string;
  readonly functions: readonly string[];
  readonly leaseMs: number;
  readonly events: HoldingEvents;
  /** Whether another router that lives can hold the group: without one, giving it up would only cost time. */
  readonly hasOther: (group: OrderedGroup) => Promise<boolean>;
  readonly now: () => number;
  /** Called when something is held, or no longer. */
  readonly changed: () => void;
  /** Called when there is something for `renew` to do at once. */
  readonly hurry: () => void;
}

export function heldGroupsOn(options: HeldGroupsOptions): HeldGroups {
  const { leases, consumer, functions, leaseMs, events, hasOther, now, changed, hurry } = options;
  const held = new Map<OrderedGroup, HeldGroup>();
  const awayUntil = new Map<OrderedGroup, number>();
  /** Leases that are this process' own, or may be since an answer was lost, and that it has no use for. */
  const unreleased = new Set<GroupHolding>();

  function lose(one: HeldGroup, why: LossReason): void {
    if (held.get(one.group) !== one) return;
    held.delete(one.group);
    events.lost(one.group, why);
    if (why !== "other_holder") unreleased.add(one);
    if (why === "gave_up") awayUntil.set(one.group, now() + leaseMs);
    one.end(why);
    changed();
    hurry();
  }

  async function tryRelease(one: GroupHolding): Promise<void> {
    await leases.release(one);
    unreleased.delete(one);
  }

  async function renewOne(one: HeldGroup): Promise<void> {
    if (one.isStuck() && (await hasOther(one.group))) return lose(one, "gave_up");
    if (one.isAlive() && !(await leases.renew(one))) lose(one, "other_holder");
  }

  function begin(group: OrderedGroup, token: string, since: number, isReported: boolean): Holding {
    const one: HeldGroup = heldGroup({
      group,
      token,
      since,
      leaseMs,
      now,
      deposed: () => lose(one, "other_holder"),
      async release() {
        if (held.get(group) !== one) return;
        held.delete(group);
        unreleased.add(one);
        if (isReported) events.released(group);
        changed();
        // When it fails, the next renewal tries again.
        await tryRelease(one).catch(hurry);
      },
    });
    held.set(group, one);
    changed();
    return one.holding;
  }

  return {
    get: (group) => held.get(group),
    isStayingAway: (group) => now() < (awayUntil.get(group) ?? -Infinity),
    async take(group, { state, isReported }) {
      const attempt = { group, token: newToken() };
      const seen = state.status === "takeable" ? state.seen : undefined;
      let since: number | undefined;
      try {
        since = await leases.take(attempt, { runner: consumer, functions, seen });
      } catch (error) {
        // It may have been taken although the answer was lost.
        unreleased.add(attempt);
        hurry();
        throw error;
      }
      if (since === undefined) return undefined;
      if (state.status === "takeable") events.reclaimed(group, { from: state.lease, now: since });
      else if (isReported) events.taken(group);
      return begin(group, attempt.token, since, isReported);
    },
    async renew() {
      const work = [...[...unreleased].map(tryRelease), ...[...held.values()].map(renewOne)];
      const ended = await Promise.allSettled(work);
      return { failures: ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : [])) };
    },
    loseAll(why) {
      for (const one of held.values()) lose(one, why);
    },
    async releaseAll() {
      await Promise.allSettled([...unreleased].map(tryRelease));
    },
  };
}
