import type { ReplayDecision, ReplayOutcome } from "./replay-decision.ts";

/** What the new decision changes; `was` is null for a signal without a decision. */
export function differenceOf(was: ComparedDecision | null, now: ComparedDecision): ReplayDifference {
  const before = outcomesById(was);
  const after = outcomesById(now);
  const ids = [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) => a - b);
  return {
    signal: isSame(was, now)
      ? null
      : { was: was === null ? null : statusAndReason(was), now: statusAndReason(now) },
    strategies: ids.flatMap((id) => strategyDifference(id, before.get(id), after.get(id))),
  };
}

/** What is compared of a decision. */
export type ComparedDecision = Pick<ReplayDecision, "status" | "reason"> & {
  readonly outcomes: readonly Omit<ReplayOutcome, "detail">[];
};

type ComparedOutcome = ComparedDecision["outcomes"][number];

/** Status and reason, of a signal or of a strategy's outcome. */
export interface StatusAndReason {
  readonly status: string;
  readonly reason: string | null;
}

/** A strategy with a different outcome; null where it has none. */
export interface StrategyDifference {
  readonly strategy_id: number;
  readonly strategy: string | null;
  readonly was: StatusAndReason | null;
  readonly now: StatusAndReason | null;
}

/** Where status or reason of two decisions differ. */
export interface ReplayDifference {
  /** Null when status and reason of the signal are the same. */
  readonly signal: { readonly was: StatusAndReason | null; readonly now: StatusAndReason } | null;
  /** By id, only those that differ. */
  readonly strategies: readonly StrategyDifference[];
}

/** True when neither the signal nor a strategy has another status or reason. */
export function isUnchanged({ signal, strategies }: ReplayDifference): boolean {
  return signal === null && strategies.length === 0;
}

function outcomesById(decision: ComparedDecision | null): Map<number, ComparedOutcome> {
  return new Map(decision?.outcomes.map((outcome) => [outcome.strategy_id, outcome]));
}

function strategyDifference(
  strategy_id: number,
  was: ComparedOutcome | undefined,
  now: ComparedOutcome | undefined,
): StrategyDifference[] {
  if (isSame(was ?? null, now ?? null)) return [];
  return [
    {
      strategy_id,
      strategy: was?.strategy ?? now?.strategy ?? null,
      was: was === undefined ? null : statusAndReason(was),
      now: now === undefined ? null : statusAndReason(now),
    },
  ];
}

function isSame(a: StatusAndReason | null, b: StatusAndReason | null): boolean {
  return a?.status === b?.status && a?.reason === b?.reason;
}

function statusAndReason({ status, reason }: StatusAndReason): StatusAndReason {
  return { status, reason };
}
