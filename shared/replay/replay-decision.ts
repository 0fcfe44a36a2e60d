import { ROUTER_LIMIT } from "../decide/age.ts";
import type { Control } from "../decide/control.ts";
import type { DecisionContext } from "../decide/decision.ts";
import type { Fields } from "../entry.ts";
import type { SignalStatus } from "../reasons.ts";
import type { RoutingOutcome, SignalRecord } from "../records.ts";
import type { Direction, Side } from "../reference/reference.ts";
import type { Detail } from "../signal/signal.ts";

/** A decision as replays show it, logged or made now. */
export interface ReplayDecision {
  readonly status: SignalStatus;
  readonly reason: string | null;
  readonly detail: Detail;
  /** The snapshot version it is based on. */
  readonly snapshot: string;
  /** ISO 8601, UTC. */
  readonly decided_at: string;
  readonly duplicate_of: string | null;
  readonly outcomes: readonly ReplayOutcome[];
}

/** A strategy's outcome; the name is null when only the log knows the strategy, because the log keeps only ids. */
export type ReplayOutcome = Omit<RoutingOutcome, "strategy"> & { readonly strategy: string | null };

/** A signal in `signal_log`, with its live decision, or the first of another invocation when it has no live one. */
export interface LoggedSignal {
  readonly entryId: string;
  readonly uid: string | null;
  readonly direction: Direction | null;
  readonly side: Side | null;
  /** True for a decision of a forced replay, for which no signal is too old. */
  readonly forced: boolean;
  /** The fields, cleaned and cut; the decision's detail says what was changed. */
  readonly raw: Fields;
  readonly decision: ReplayDecision;
}

/** What a decision depends on besides the signal and the snapshot. */
export type Circumstances = Pick<DecisionContext, "control" | "now" | "signalAgeMsMax" | "chosen"> & {
  /** Set when no signal was too old for it, milliseconds since 1970. */
  readonly forcedAt?: number;
};

/**
 * The circumstances of a logged decision, derived from the decision: with them, the same signal on the same snapshot gets the
 * same decision. `signalAgeMsMax` is for decisions made before the check of the age.
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
    ...chosenAsLogged(decision),
  };
}

/** The strategies of a forced replay that was for some of them. */
function chosenAsLogged({ outcomes }: ReplayDecision): Pick<Circumstances, "chosen"> {
  const chosen = outcomes.filter((outcome) => outcome.reason !== "not_chosen");
  if (chosen.length === outcomes.length) return {};
  return { chosen: new Set(chosen.map((outcome) => outcome.strategy_id)) };
}

function controlAsLogged({ reason, outcomes }: ReplayDecision): Control {
  const paused = outcomes.filter((outcome) => outcome.reason === "paused");
  return {
    epoch: "0",
    allPaused: reason === "paused",
    pausedStrategies: new Set(paused.map((outcome) => outcome.strategy_id)),
  };
}

/** The limit may have been different then. When the signal was not too old, any limit it does not exceed will do. */
function ageLimitAsLogged({ status, reason, detail, outcomes }: ReplayDecision): number | undefined {
  if (reason === "stale") return limitIn(detail);
  const ofExit = outcomes.find((one) => one.reason === "stale" && one.detail["limit"] === ROUTER_LIMIT);
  if (ofExit !== undefined) return limitIn(ofExit.detail);
  const passed = status === "dispatched" || status === "duplicate";
  return passed || reason === "paused" || reason === "no_eligible_strategy" ? 0 : undefined;
}

function limitIn({ age_ms_max: limit }: Detail): number | undefined {
  return typeof limit === "number" ? limit : undefined;
}

/** The decision in a record, as replays show it. */
export function decisionOf(record: SignalRecord): ReplayDecision {
  const { status, reason, detail, snapshot, decided_at, duplicate_of, outcomes } = record;
  return { status, reason, detail, snapshot, decided_at, duplicate_of, outcomes };
}

/** Names of notes about fields that were replaced or cut before they were stored, which the stored fields no longer show. */
const CLEANING_NOTES = ["replaced_characters_in", "cut_fields"];

/** A decision made on logged fields, with the log's notes about what was changed in them. */
export function withCleaningNotes(decision: ReplayDecision, logged: ReplayDecision): ReplayDecision {
  const notes = CLEANING_NOTES.filter((name) => Object.hasOwn(logged.detail, name));
  if (notes.length === 0) return decision;
  const kept = Object.fromEntries(notes.map((name) => [name, logged.detail[name]]));
  return { ...decision, detail: { ...decision.detail, ...kept } };
}

/** The decision, with names from `nameOf` for strategies that have none. */
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
