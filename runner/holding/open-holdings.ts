import { setTimeout as pause } from "node:timers/promises";
import { onAbort } from "../../shared/abort.ts";
import { READ_BY, renewEveryMs } from "../../shared/group-lease.ts";
import type { OrderedGroup } from "../../shared/keys.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { heldGroupsOn } from "./held-groups.ts";
import { HOLDING_SOURCE, holdingEventsOn } from "./holding-events.ts";
import type { HeldBy, Holding, Holdings } from "./holdings.ts";
import { openLeaseConnection, retryAfterMs, type LeaseConnectionOptions } from "./lease-connection.ts";
import { leaseWatchOn } from "./lease-watch.ts";
import { LEADING_GROUP, leaderOf, readsUnder, type Leader } from "./reads-for.ts";
import { repeat } from "./repeat.ts";

export interface HoldingsOptions extends LeaseConnectionOptions {
  readonly events: EventLog;
}

/** How often a standby looks, in ms: a released group has its next holder within this time and two round trips. */
const LOOK_EVERY_MS = 150;
const CLOSE_MS_MAX = 1_000;

/** What this process holds; it connects when it is first asked to hold something. */
export function holdingsOn(options: HoldingsOptions): Holdings {
  let opened: OpenHoldings | undefined;
  let isClosed = false;
  const open = (): OpenHoldings => {
    if (isClosed) throw new Error("this router stops and holds nothing any longer");
    return (opened ??= openHoldings(options));
  };
  return {
    async hold(group, { stopping }) {
      return isClosed || stopping.aborted ? undefined : open().hold(group, { stopping });
    },
    tryHold: async (group, { waitMsMax }) => open().tryHold(group, { waitMsMax }),
    join: () => open().join(),
    readsFor: (functionName) => !isClosed && open().readsFor(functionName),
    onChange: (call) => open().onChange(call),
    async close() {
      isClosed = true;
      await opened?.close();
    },
  };
}

type OpenHoldings = Holdings;

/** A loop that waits until this process holds a group. */
interface Waiter {
  readonly group: OrderedGroup;
  readonly held: (holding: Holding | undefined) => void;
}

function openHoldings(options: HoldingsOptions): OpenHoldings {
  const { config, consumer } = options;
  const { leaseMs, functions } = config;
  const events = holdingEventsOn(options.events, { consumer, leaseMs });
  const failing = (what: string) => failureReporter(options.events, { source: HOLDING_SOURCE, what });
  const looking = failing("it cannot be seen which router holds a group");
  const renewing = failing(
    "the lease of a group, or this router's entry among the routers, cannot be renewed",
  );
  const connection = openLeaseConnection(options, { otherServer: () => held.loseAll("other_server") });
  const { leases, beats } = connection;
  const watch = leaseWatchOn(leases);
  const waiters = new Set<Waiter>();
  const listeners = new Set<() => void>();
  let isListed = false;
  let isWatched = false;
  let toldLeader: string | undefined;
  const held = heldGroupsOn({
    leases,
    consumer,
    functions,
    leaseMs,
    events,
    hasOther: async (group) => beats.hasOther(READ_BY[group]),
    now: () => performance.now(),
    changed,
    hurry: () => renewals.hurry(),
  });

  const renewals = repeat(async () => {
    const [{ failures }, listed] = await Promise.all([held.renew(), isListed ? settled(beats.beat()) : []]);
    const [failure] = [...failures, ...listed];
    if (failure === undefined) renewing.recovered();
    else renewing.failed(failure);
    return failure === undefined ? renewEveryMs(leaseMs) : retryAfterMs(leaseMs);
  });

  const looks = repeat(async () => {
    const asks = isWatched && held.get(LEADING_GROUP) === undefined;
    if (waiters.size === 0 && !asks) return renewEveryMs(leaseMs);
    const failures = await settled(look());
    tellLeader();
    // With a group that cannot be taken, the other one can.
    for (const { group } of failures.length === 0 ? waiters : [])
      failures.push(...(await settled(attend(group))));
    if (failures.length === 0) looking.recovered();
    else looking.failed(failures[0]);
    return waiters.size > 0 ? LOOK_EVERY_MS : renewEveryMs(leaseMs);
  });

  /** What this process no longer holds must not look as if it did. */
  async function look(): Promise<void> {
    await held.releaseAll();
    await watch.look();
  }

  /** Takes a group that a loop waits for, if that is possible now. */
  async function attend(group: OrderedGroup): Promise<void> {
    if (held.get(group) !== undefined || held.isStayingAway(group)) return;
    const state = watch.stateOf(group);
    if (state.status === "held") events.standby(group, state.lease);
    if (state.status !== "free" && state.status !== "takeable") return;
    const holding = await held.take(group, { state, isReported: true });
    if (holding === undefined) return;
    const first = [...waiters].find((waiter) => waiter.group === group);
    if (first === undefined) await holding.release();
    else first.held(holding);
  }

  function changed(): void {
    tellLeader();
    looks.hurry();
  }

  function leader(): Leader | undefined {
    return leaderOf(watch.latest(), { isOwn: held.get(LEADING_GROUP) !== undefined, consumer });
  }

  function tellLeader(): void {
    const now = String(leader());
    if (now === toldLeader) return;
    toldLeader = now;
    for (const listener of listeners) listener();
  }

  function join(): void {
    if (isListed) return;
    isListed = true;
    renewals.hurry();
  }

  function watchLeader(): void {
    if (isWatched) return;
    isWatched = true;
    looks.hurry();
  }

  return {
    join,
    async hold(group, { stopping }) {
      join();
      return new Promise((resolve) => {
        const waiter: Waiter = {
          group,
          held(holding) {
            waiters.delete(waiter);
            stopListening();
            resolve(holding);
          },
        };
        waiters.add(waiter);
        const stopListening = onAbort(stopping, () => {
          waiters.delete(waiter);
          resolve(undefined);
        });
        looks.hurry();
      });
    },
    async tryHold(group, { waitMsMax }) {
      const until = performance.now() + waitMsMax;
      for (;;) {
        const own = held.get(group);
        if (own !== undefined) return heldBy({ runner: consumer, since: own.since });
        await look();
        const state = watch.stateOf(group);
        if (state.status === "held") return heldBy(state.lease);
        if (state.status !== "expired") {
          const holding = await held.take(group, { state, isReported: false });
          if (holding !== undefined) return holding;
        }
        const leftMs = until - performance.now();
        if (leftMs <= 0 && state.status === "expired") return heldBy(state.lease);
        await pause(Math.max(0, Math.min(LOOK_EVERY_MS, leftMs)));
      }
    },
    readsFor(functionName) {
      watchLeader();
      return readsUnder(leader(), functionName);
    },
    onChange(call) {
      watchLeader();
      listeners.add(call);
      return () => listeners.delete(call);
    },
    async close() {
      for (const waiter of waiters) waiter.held(undefined);
      held.loseAll("closed");
      const stopped = [renewals.stop(), looks.stop()];
      const released = Promise.all([held.releaseAll(), isListed ? settled(beats.end()) : []]);
      const late = new AbortController();
      await Promise.race([
        Promise.all([released, ...stopped]),
        pause(CLOSE_MS_MAX, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
      connection.close();
    },
  };
}

function heldBy({ runner, since }: { readonly runner: string; readonly since: number }): HeldBy {
  return { status: "held_by", runner, since };
}

/** The error of a call that failed; nothing of one that did not. */
async function settled(call: Promise<unknown>): Promise<unknown[]> {
  return call.then(
    () => [],
    (error: unknown) => [error],
  );
}
