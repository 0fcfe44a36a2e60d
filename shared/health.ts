/** The health of a router: whether signals are being decided, and what needs attention. */
export function healthOf(facts: HealthFacts, limits: HealthLimits): Health {
  if (!facts.redisReachable) return { status: "not_ready", reasons: ["Redis does not answer"] };
  const notReady: string[] = [];
  const degraded: string[] = [];

  if (facts.snapshot === null) notReady.push("there is no reference snapshot, so nothing is decided");
  else {
    const { confirmedAgoMs } = facts.snapshot;
    if (confirmedAgoMs === null || confirmedAgoMs > limits.referenceAgeMsMax) {
      degraded.push(
        confirmedAgoMs === null
          ? "the reference has never been confirmed"
          : `the reference has not been confirmed for ${seconds(confirmedAgoMs)}; decisions go on with it`,
      );
    }
  }
  if (facts.postgresReachable === false)
    degraded.push("Postgres cannot be reached; records wait in signal_results");
  for (const group of facts.groups) {
    (group.critical ? notReady : degraded).push(...readerFaults(group, limits));
    degraded.push(...backlogFaults(group, limits));
  }
  const status = notReady.length > 0 ? "not_ready" : degraded.length > 0 ? "degraded" : "ready";
  return { status, reasons: [...notReady, ...degraded] };
}

/** What Redis and Postgres tell about a router. Times are milliseconds. */
export interface HealthFacts {
  readonly redisReachable: boolean;
  /** Null when it was not checked. */
  readonly postgresReachable: boolean | null;
  /** Null when there is none, so that nothing can be decided. */
  readonly snapshot: { readonly version: string; readonly confirmedAgoMs: number | null } | null;
  readonly groups: readonly GroupHealth[];
}

/** One of the router's own groups. */
export interface GroupHealth {
  readonly stream: string;
  readonly group: string;
  /** True when signals are not decided without it. */
  readonly critical: boolean;
  readonly exists: boolean;
  /** When each of its readers last asked for entries; empty when it has none. */
  readonly heartbeats: readonly HeartbeatHealth[];
  /** Entries not acknowledged yet: waiting and in flight. */
  readonly backlog: number;
  /** Since the oldest pending entry was last delivered or extended; null when none is pending. */
  readonly oldestPendingIdleMs: number | null;
}

/** One reader of a group: a loop, or a scheduler's calls. */
export interface HeartbeatHealth {
  readonly agoMs: number;
  /** Time between two calls, in ms, when a scheduler makes them. */
  readonly everyMs?: number;
}

export interface HealthLimits {
  readonly blockMs: number;
  readonly claimIdleMs: number;
  readonly referenceAgeMsMax: number;
}

/** `degraded`: signals are decided, but something needs attention. `not_ready`: signals are not being decided. */
export interface Health {
  readonly status: "ready" | "degraded" | "not_ready";
  readonly reasons: readonly string[];
}

/** More entries than these waiting for a group need attention. */
const BACKLOG_MAX = 10_000;
/** An idle loop reads once per BLOCK_MS. After three missed reads, but never sooner than this, it counts as stopped. */
const LOOP_SILENT_MS_MIN = 15_000;
/** So it does after three missed calls of a scheduler, but never later than this. */
const SCHEDULE_SILENT_MS_MAX = 3_600_000;

function readerFaults({ group, stream, exists, heartbeats }: GroupHealth, limits: HealthLimits): string[] {
  const name = `${group} on ${stream}`;
  if (!exists) return [`group ${name} does not exist`];
  if (heartbeats.length === 0) return [`no consumer reads ${name}`];
  if (heartbeats.some((heartbeat) => heartbeat.agoMs <= silentMsMax(heartbeat, limits))) return [];
  return [`no consumer has read ${name} for ${seconds(Math.min(...heartbeats.map(({ agoMs }) => agoMs)))}`];
}

/** Longest time without a heartbeat, in ms, before its reader counts as stopped. */
function silentMsMax({ everyMs = 0 }: HeartbeatHealth, { blockMs }: HealthLimits): number {
  return Math.max(3 * blockMs, LOOP_SILENT_MS_MIN, Math.min(3 * everyMs, SCHEDULE_SILENT_MS_MAX));
}

function backlogFaults(group: GroupHealth, { claimIdleMs }: HealthLimits): string[] {
  const name = `${group.group} on ${group.stream}`;
  const faults: string[] = [];
  if (group.backlog > BACKLOG_MAX) faults.push(`${group.backlog} entries wait for ${name}`);
  if (group.oldestPendingIdleMs !== null && group.oldestPendingIdleMs > 3 * claimIdleMs) {
    faults.push(
      `no consumer has worked on a pending entry of ${name} for ${seconds(group.oldestPendingIdleMs)}`,
    );
  }
  return faults;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
