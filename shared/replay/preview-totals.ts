import {
  differenceOf,
  isUnchanged,
  type ComparedDecision,
  type ReplayDifference,
  type StatusAndReason,
} from "./replay-difference.ts";

/** What a strategy is dispatched by the reference as it is, and by a draft of it. */
export interface StrategyTotals {
  readonly strategy_id: number;
  readonly strategy: string;
  /** Signals that the reference as it is dispatches to it, of those that were decided. */
  readonly was: number;
  /** Signals that the draft dispatches to it. */
  readonly now: number;
  /** Signals that only the draft dispatches to it. */
  readonly more: number;
  /** Signals that only the reference as it is dispatches to it. */
  readonly fewer: number;
}

/** Counts dispatches of pairs of decisions, strategy by strategy. */
export class PreviewTotals {
  readonly #totals = new Map<number, { -readonly [Name in keyof StrategyTotals]: StrategyTotals[Name] }>();
  #differing = 0;

  add(is: ComparedDecision, draft: ComparedDecision, difference: ReplayDifference): void {
    if (!isUnchanged(difference)) this.#differing += 1;
    const before = dispatchedTo(is);
    const after = dispatchedTo(draft);
    for (const [id, name] of before) {
      const totals = this.#of(id, name);
      totals.was += 1;
      if (!after.has(id)) totals.fewer += 1;
    }
    for (const [id, name] of after) {
      const totals = this.#of(id, name);
      // The name that it is given by the draft.
      totals.strategy = name;
      totals.now += 1;
      if (!before.has(id)) totals.more += 1;
    }
  }

  /** Signals with another decision. */
  get differing(): number {
    return this.#differing;
  }

  /** Each strategy that a signal is dispatched to, those that differ most first. */
  strategies(): StrategyTotals[] {
    return [...this.#totals.values()].toSorted(
      (a, b) => b.more + b.fewer - (a.more + a.fewer) || a.strategy_id - b.strategy_id,
    );
  }

  #of(id: number, name: string) {
    const known = this.#totals.get(id);
    if (known !== undefined) return known;
    const totals = { strategy_id: id, strategy: name, was: 0, now: 0, more: 0, fewer: 0 };
    this.#totals.set(id, totals);
    return totals;
  }
}

/** What differs, without strategies that only one of the two references has, and that it dispatches nothing to. */
export function tradedDifference(is: ComparedDecision, draft: ComparedDecision): ReplayDifference {
  const { signal, strategies } = differenceOf(is, draft);
  const acts = (verdict: StatusAndReason | null): boolean => verdict?.status === "dispatched";
  return {
    signal,
    strategies: strategies.filter(({ was, now }) => (was !== null && now !== null) || acts(was) || acts(now)),
  };
}

function dispatchedTo({ outcomes }: ComparedDecision): Map<number, string> {
  const ids = new Map<number, string>();
  for (const { strategy_id, strategy, status } of outcomes)
    if (status === "dispatched") ids.set(strategy_id, strategy ?? "");
  return ids;
}
