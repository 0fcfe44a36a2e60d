import type { ReplayDecision, ReplayOutcome } from "./replay-decision.ts";

/** What a signal or a strategy was told. */
export interface Verdict {
  readonly status: string;
  readonly reason: string | null;
}

/** A strategy that was told something else; null where it was not asked. */
export interface StrategyDifference {
  readonly strategy_id: number;
  readonly strategy: string | null;
  readonly was: Verdict | null;
  readonly now: Verdict | null;
}

/** Where status or reason of two decisions differ. */
export interface ReplayDifference {
  /** Null when the signal as a whole was told the same. */
  readonly signal: { readonly was: Verdict | null; readonly now: Verdict } | null;
  /** By id, only those that differ. */
  readonly strategies: readonly StrategyDifference[];
}

/** What the new decision changes; `was` is null for a signal that had none. */
export function differenceOf(was: ReplayDecision | null, now: ReplayDecision): ReplayDifference {
  const before = outcomesById(was);
  const after = outcomesById(now);
  const ids = [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) => a - b);
  return {
    signal: isSame(was, now) ? null : { was: was === null ? null : verdictOf(was), now: verdictOf(now) },
    strategies: ids.flatMap((id) => strategyDifference(id, before.get(id), after.get(id))),
  };
}

/** True when neither the signal nor a strategy was told anything else. */
export function isUnchanged({ signal, strategies }: ReplayDifference): boolean {
  return signal === null && strategies.length === 0;
}

function outcomesById(decision: ReplayDecision | null): Map<number, ReplayOutcome> {
  return new Map(decision?.outcomes.map((outcome) => [outcome.strategy_id, outcome]));
}

function strategyDifference(
  strategy_id: number,
  was: ReplayOutcome | undefined,
  now: ReplayOutcome | undefined,
): StrategyDifference[] {
  if (isSame(was ?? null, now ?? null)) return [];
  return [
    {
      strategy_id,
      strategy: was?.strategy ?? now?.strategy ?? null,
      was: was === undefined ? null : verdictOf(was),
      now: now === undefined ? null : verdictOf(now),
    },
  ];
}

function isSame(a: Verdict | null, b: Verdict | null): boolean {
  return a?.status === b?.status && a?.reason === b?.reason;
}

function verdictOf({ status, reason }: Verdict): Verdict {
  return { status, reason };
}
