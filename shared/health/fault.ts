/** Something that needs attention. `not_ready`: signals are not being decided because of it; `degraded`: they are. */
export interface Fault {
  readonly severity: "degraded" | "not_ready";
  /** For people: what is wrong, where, and what to do when that is not obvious. */
  readonly reason: string;
}

/** What healthy and unhealthy are compared with. Times are milliseconds. */
export interface HealthLimits {
  readonly blockMs: number;
  readonly claimIdleMs: number;
  readonly leaseMs: number;
  readonly referenceAgeMsMax: number;
  /** 0: no limit. */
  readonly signalAgeMsMax: number;
}

export function degraded(reason: string): Fault {
  return { severity: "degraded", reason };
}

export function notReady(reason: string): Fault {
  return { severity: "not_ready", reason };
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
