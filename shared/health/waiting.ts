import { strategyLabel } from "../strategy-label.ts";
import { ageText } from "../text.ts";
import { degraded, type Fault, type HealthLimits } from "./fault.ts";

/** What is wrong with how much waits for a group, and for how long. */
export function waitingFaults(
  { stream, group, waiting }: { stream: string; group: string; waiting: WaitingHealth },
  limits: Pick<HealthLimits, "signalAgeMsMax">,
): Fault[] {
  const { count, isExact, oldestMs, what, slow } = waiting;
  const age = oldestMs === null ? "" : `, the oldest for ${waitText(oldestMs)}`;
  const number = isExact ? String(count) : `more than ${count}`;
  const unknown = isExact ? "" : "; Redis does not know how many";
  const isLate = oldestMs !== null && oldestMs > waitingMsMax(limits);
  if (what !== undefined && isLate) {
    const whose =
      slow === null
        ? ""
        : `; ${slow.count} of the first ${slow.sampled} are for ${strategyLabel(slow.strategyId, slow.name)}`;
    return [degraded(`${number} ${WAITING[what]}${age}${unknown}${whose}`)];
  }
  if (count > BACKLOG_MAX || (!isExact && isLate))
    return [degraded(`${number} entries wait for ${group} on ${stream}${age}${unknown}`)];
  return [];
}

/** What waits for a group. */
export interface WaitingHealth {
  /** What the group does, where a trade depends on it: then a late entry is a fault, however few wait. */
  readonly what?: "decide" | "run";
  readonly count: number;
  /** False when there are more, and Redis does not know how many. */
  readonly isExact: boolean;
  /** How long the oldest has waited; null when none waits. */
  readonly oldestMs: number | null;
  /** The strategy that most of the oldest tasks wait for; null when it is not known. */
  readonly slow: SlowStrategy | null;
}

export interface SlowStrategy {
  readonly strategyId: number;
  readonly name: string | undefined;
  /** So many of the tasks looked at are for it. */
  readonly count: number;
  readonly sampled: number;
}

function waitText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : ageText(ms);
}

/** More entries than these waiting for a group need attention. */
const BACKLOG_MAX = 10_000;
const WAITING_MS_MAX = 10_000;
const WAITING = { decide: "signals wait to be decided", run: "tasks wait to be run" } as const;

/** Longest wait of a signal or task: ten seconds, or a tenth of the time after which it would be stale. */
function waitingMsMax({ signalAgeMsMax }: Pick<HealthLimits, "signalAgeMsMax">): number {
  return signalAgeMsMax === 0 ? WAITING_MS_MAX : Math.min(WAITING_MS_MAX, signalAgeMsMax / 10);
}

/**
 * How long an entry has waited. Its id says so, unless a producer made the id up: for one in the future, or older than a day,
 * only the time counts since it was first seen waiting.
 */
export function waitedMs({ ageMs, seenMs }: { readonly ageMs: number; readonly seenMs: number }): number {
  return ageMs < 0 || ageMs > CREDIBLE_AGE_MS_MAX ? seenMs : ageMs;
}

const CREDIBLE_AGE_MS_MAX = 86_400_000;
