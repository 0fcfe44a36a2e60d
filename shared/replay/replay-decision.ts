import type { Control } from "../decide/control.ts";
import type { DecisionContext } from "../decide/decision.ts";
import type { Fields } from "../entry.ts";
import type { SignalStatus } from "../reasons.ts";
import type { RoutingOutcome, SignalRecord } from "../records.ts";
import type { Detail } from "../signal/signal.ts";

/** A strategy's outcome; its name is null where only the log knows the strategy, which keeps ids alone. */
export type ReplayOutcome = Omit<RoutingOutcome, "strategy"> & { readonly strategy: string | null };

/** A decision as replays show it, made once or now. */
export interface ReplayDecision {
  readonly status: SignalStatus;
  readonly reason: string | null;
  readonly detail: Detail;
  /** Version it was made on. */
  readonly snapshot: string;
  /** ISO 8601, UTC. */
  readonly decided_at: string;
  readonly duplicate_of: string | null;
  readonly outcomes: readonly ReplayOutcome[];
}

/** A signal as `signal_log` has it: the live decision, or else the first of another invocation. */
export interface LoggedSignal {
  readonly entryId: string;
  readonly uid: string | null;
  /** Made by a forced replay, for which nothing is too old. */
  readonly forced: boolean;
  /** Cleaned and cut fields; what was done to them is in the decision's detail. */
  readonly raw: Fields;
  readonly decision: ReplayDecision;
}

/** What a decision depends on besides the signal and the snapshot. */
export type Circumstances = Pick<DecisionContext, "control" | "now" | "signalAgeMsMax"> & {
  /** Set when nothing was too old for it, milliseconds since 1970. */
  readonly forcedAt?: number;
};

/**
 * The circumstances of a logged decision, as far as it tells: deciding the same signal on the same snapshot in them has the
 * same result. `signalAgeMsMax` is for decisions that never came to the question of age.
 */
export function circumstancesOf(
  { decision, forced }: Pick<LoggedSignal, "decision" | "forced">,
  { signalAgeMsMax }: Pick<Circumstances, "signalAgeMsMax">,
): Circumstances {
  const now = Date.parse(decision.decided_at);
  return {
    now,
    control: controlAsLogged(decision),
    signalAgeMsMax: ageLimitAsLogged(decision) ?? signalAgeMsMax,
    ...(forced ? { forcedAt: now } : {}),
  };
}

function controlAsLogged({ reason, outcomes }: ReplayDecision): Control {
  const paused = outcomes.filter((outcome) => outcome.reason === "paused");
  return {
    epoch: "0",
    allPaused: reason === "paused",
    pausedStrategies: new Set(paused.map((outcome) => outcome.strategy_id)),
  };
}

/** The limit may have been another one then. Where it was passed, any limit that lets the signal pass is as good. */
function ageLimitAsLogged({ status, reason, detail }: ReplayDecision): number | undefined {
  if (reason === "stale") {
    const limit = detail["age_ms_max"];
    return typeof limit === "number" ? limit : undefined;
  }
  const passed = status === "dispatched" || status === "duplicate";
  return passed || reason === "paused" || reason === "no_eligible_strategy" ? 0 : undefined;
}

/** The decision in a record. */
export function decisionOf(record: SignalRecord): ReplayDecision {
  const { status, reason, detail, snapshot, decided_at, duplicate_of, outcomes } = record;
  return { status, reason, detail, snapshot, decided_at, duplicate_of, outcomes };
}

/** Notes on fields that were replaced or cut before they were kept, so that what is kept does not show it any more. */
const CLEANING_NOTES = ["replaced_characters_in", "cut_fields"];

/** The decision made on fields out of the log, with what the log says was done to them. */
export function withCleaningNotes(decision: ReplayDecision, logged: ReplayDecision): ReplayDecision {
  const notes = CLEANING_NOTES.filter((name) => Object.hasOwn(logged.detail, name));
  if (notes.length === 0) return decision;
  const kept = Object.fromEntries(notes.map((name) => [name, logged.detail[name]]));
  return { ...decision, detail: { ...decision.detail, ...kept } };
}

/** The decision with a name for each strategy of it that `nameOf` knows and that has none. */
export function withNames(
  decision: ReplayDecision,
  nameOf: (strategyId: number) => string | undefined,
): ReplayDecision {
  const outcomes = decision.outcomes.map((outcome) => ({
    ...outcome,
    strategy: outcome.strategy ?? nameOf(outcome.strategy_id) ?? null,
  }));
  return { ...decision, outcomes };
}
