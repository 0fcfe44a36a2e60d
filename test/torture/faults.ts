import type { Random } from "./random.ts";

/** The faults of a run and their times, which depend on the seed alone. */

/**
 * `kill`: SIGKILL of a router, started again · `freeze`: SIGSTOP, SIGCONT when its entries have been reclaimed ·
 * `terminate`: SIGTERM, started again · `redis`: SIGKILL, started again on its AOF · `clients`: CLIENT KILL of every
 * normal connection · `scripts`: SCRIPT FLUSH · `postgres`: immediate stop, started again · `reference`: other
 * tickers, signals and strategies · `spelling`: an alias is removed or means another ticker, a perpetual is listed, for a
 * moment · `pause`: one strategy or all, resumed later · `clock`: a router's machine has another
 * time from now on · `full`: Redis has reached maxmemory · `slow`: Redis stands still for 250 ms again and again, as with a
 * slow disk · `hole`: nothing passes between a router and Redis in one direction · `cut`: the answer to a command that was
 * performed is lost with its connection · `dropped`: a router's consumer is removed from a group while it works ·
 * `lease_hang`: the connection for commands of the router that holds a group hangs, while its lease is renewed · `lease_delete`:
 * a lease is deleted by hand · `lease_freeze`: the holder stands still for three times LEASE_MS.
 * Where Redis moves: `master_kill`, `master_freeze`: until another server is the master · `failover`: as an operator hands over ·
 * `reshard`: the slot moves to another master with all its keys.
 */
const ANYWHERE = [
  "kill",
  "freeze",
  "terminate",
  "clients",
  "scripts",
  "postgres",
  "reference",
  "spelling",
  "pause",
  "clock",
  "full",
  "slow",
  "dropped",
  "lease_delete",
  "lease_freeze",
] as const;
const MOVING = ["master_kill", "master_freeze", "failover"] as const;

/** What Redis may be in a run: one server, a master that Sentinels watch, or a Cluster. */
export const SETTINGS = ["plain", "sentinel", "cluster"] as const;
export type Setting = (typeof SETTINGS)[number];
/** The faults of each. */
export const FAULT_KINDS = {
  plain: [...ANYWHERE, "redis", "hole", "cut", "lease_hang"],
  sentinel: [...ANYWHERE, ...MOVING],
  cluster: [...ANYWHERE, ...MOVING, "reshard"],
} as const satisfies Readonly<Record<Setting, readonly string[]>>;
export type FaultKind = (typeof FAULT_KINDS)[Setting][number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds since the producer started. */
  readonly atMs: number;
  /** Duration: how long a server is stopped, a process frozen, a strategy paused. */
  readonly forMs: number;
  /** Index of the affected router; for other kinds a number to choose by. */
  readonly which: number;
}

export interface FaultPlan {
  readonly setting: Setting;
  readonly forMs: number;
  readonly routers: number;
  readonly claimIdleMs: number;
  readonly leaseMs: number;
  /** Mean time between two faults, milliseconds. */
  readonly everyMs: number;
}

/** How often each kind is in a deck of cards that is shuffled and dealt, so that no kind is missing by chance. */
const DECK: Readonly<Record<FaultKind, number>> = {
  kill: 4,
  freeze: 3,
  terminate: 2,
  redis: 2,
  clients: 2,
  scripts: 1,
  postgres: 1,
  reference: 4,
  spelling: 4,
  pause: 3,
  clock: 2,
  full: 2,
  slow: 1,
  hole: 2,
  cut: 3,
  dropped: 2,
  lease_hang: 2,
  lease_delete: 2,
  lease_freeze: 2,
  master_kill: 2,
  master_freeze: 2,
  failover: 2,
  reshard: 2,
};
const ON_ROUTER: readonly FaultKind[] = ["kill", "freeze", "terminate", "clock", "hole", "cut", "dropped"];
const WHICH_MAX = 1_000_000;

/** The faults in order, each kind at least once if the time allows it. They may overlap. */
export function planFaults(plan: FaultPlan, random: Random): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const kinds: readonly FaultKind[] = FAULT_KINDS[plan.setting];
  let deck = random.shuffled(kinds);
  let atMs = random.between(plan.everyMs / 2, plan.everyMs);
  while (atMs < plan.forMs) {
    const kind = deck.pop();
    if (kind === undefined) {
      deck = random.shuffled(kinds.flatMap((name) => Array<FaultKind>(DECK[name]).fill(name)));
      continue;
    }
    const which = random.below(ON_ROUTER.includes(kind) ? plan.routers : WHICH_MAX);
    faults.push({ kind, atMs, forMs: lastingMs(kind, plan, random), which });
    // Sometimes two at the same moment.
    atMs += random.below(5) === 0 ? 0 : random.between(plan.everyMs / 2, plan.everyMs * 2);
  }
  return faults;
}

function lastingMs(kind: FaultKind, { claimIdleMs, leaseMs }: FaultPlan, random: Random): number {
  switch (kind) {
    case "kill":
    case "terminate":
      return random.between(0, 1_500);
    case "freeze":
      return random.between(claimIdleMs * 1.2, claimIdleMs * 4);
    case "redis":
      return random.between(0, 1_500);
    case "postgres":
      return random.between(1_000, 5_000);
    case "pause":
      return random.between(300, 5_000);
    case "full":
    case "slow":
      return random.between(500, 3_000);
    case "hole":
      return random.between(300, claimIdleMs * 3);
    case "dropped":
      // So long the router must live to find what it has lost.
      return claimIdleMs * 10;
    case "lease_freeze":
      return leaseMs * 3;
    case "master_kill":
    case "master_freeze":
      // After the fail-over.
      return random.between(0, 2_000);
    case "failover":
    case "reshard":
    case "lease_hang":
    case "lease_delete":
    case "clients":
    case "scripts":
    case "reference":
    case "spelling":
    case "clock":
    case "cut":
      return 0;
  }
}
