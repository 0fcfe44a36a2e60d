/** What is known about a router, from Redis and from Postgres. Times are milliseconds. */
export interface HealthFacts {
  readonly redisReachable: boolean;
  /** Null when it was not asked. */
  readonly postgresReachable: boolean | null;
  /** Null: there is none, and nothing can be decided. */
  readonly snapshot: { readonly version: string; readonly confirmedAgoMs: number | null } | null;
  readonly groups: readonly GroupHealth[];
}

/** One of the router's own groups. */
export interface GroupHealth {
  readonly stream: string;
  readonly group: string;
  /** Routing is what money depends on; the rest may lag. */
  readonly critical: boolean;
  readonly exists: boolean;
  /** The last time each of its readers asked for entries; empty when it has none. */
  readonly heartbeats: readonly HeartbeatHealth[];
  /** Entries not acknowledged yet: waiting and in hand. */
  readonly backlog: number;
  /** Since the oldest entry in hand was last worked on; null when none is. */
  readonly oldestPendingIdleMs: number | null;
}

/** One reader of a group: a loop, or a scheduler's calls. */
export interface HeartbeatHealth {
  readonly agoMs: number;
  /** Time between two turns, in ms, where a scheduler makes them. */
  readonly everyMs?: number;
}

export interface HealthLimits {
  readonly blockMs: number;
  readonly claimIdleMs: number;
  readonly referenceAgeMsMax: number;
}

/** `degraded`: signals are decided, but something needs a look. `not_ready`: signals are not being decided. */
export interface Health {
  readonly status: "ready" | "degraded" | "not_ready";
  readonly reasons: readonly string[];
}

/** Entries a log may be behind before that is worth a look. */
const BACKLOG_MAX = 10_000;
/** A loop that waits in vain turns once per BLOCK_MS; three missed turns, but never less than this, mean it stands. */
const LOOP_STANDS_MS = 15_000;
/** Three missed calls of a scheduler mean the same; nobody is trusted to come again after longer than this. */
const SCHEDULE_STANDS_MS_MAX = 3_600_000;

/** Whether signals are being decided, and everything that is not as it should be. */
export function healthOf(facts: HealthFacts, limits: HealthLimits): Health {
  if (!facts.redisReachable) return { status: "not_ready", reasons: ["Redis does not answer"] };
  const stopping: string[] = [];
  const weakening: string[] = [];

  if (facts.snapshot === null) stopping.push("there is no reference snapshot, so nothing is decided");
  else {
    const { confirmedAgoMs } = facts.snapshot;
    if (confirmedAgoMs === null || confirmedAgoMs > limits.referenceAgeMsMax) {
      weakening.push(
        confirmedAgoMs === null
          ? "the reference has never been confirmed"
          : `the reference has not been confirmed for ${seconds(confirmedAgoMs)}; decisions go on with it`,
      );
    }
  }
  if (facts.postgresReachable === false)
    weakening.push("Postgres cannot be reached; records wait in signal_results");
  for (const group of facts.groups) {
    (group.critical ? stopping : weakening).push(...standstills(group, limits));
    weakening.push(...delays(group, limits));
  }
  const status = stopping.length > 0 ? "not_ready" : weakening.length > 0 ? "degraded" : "ready";
  return { status, reasons: [...stopping, ...weakening] };
}

function standstills({ group, stream, exists, heartbeats }: GroupHealth, limits: HealthLimits): string[] {
  const name = `${group} on ${stream}`;
  if (!exists) return [`group ${name} is not there`];
  if (heartbeats.length === 0) return [`nobody reads ${name}`];
  if (heartbeats.some((turn) => turn.agoMs <= standsAfterMs(turn, limits))) return [];
  return [`nobody has read ${name} for ${seconds(Math.min(...heartbeats.map(({ agoMs }) => agoMs)))}`];
}

/** Longest time to the next turn, in ms, before its reader counts as gone. */
function standsAfterMs({ everyMs = 0 }: HeartbeatHealth, { blockMs }: HealthLimits): number {
  return Math.max(3 * blockMs, LOOP_STANDS_MS, Math.min(3 * everyMs, SCHEDULE_STANDS_MS_MAX));
}

function delays(group: GroupHealth, { claimIdleMs }: HealthLimits): string[] {
  const name = `${group.group} on ${group.stream}`;
  const reasons: string[] = [];
  if (group.backlog > BACKLOG_MAX) reasons.push(`${group.backlog} entries wait for ${name}`);
  if (group.oldestPendingIdleMs !== null && group.oldestPendingIdleMs > 3 * claimIdleMs) {
    reasons.push(`an entry of ${name} has been left unfinished for ${seconds(group.oldestPendingIdleMs)}`);
  }
  return reasons;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
