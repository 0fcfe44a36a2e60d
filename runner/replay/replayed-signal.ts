import type { SignalStatus } from "../../shared/reasons.ts";
import { withNames, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import { differenceOf, isUnchanged, type ReplayDifference } from "../../shared/replay/replay-difference.ts";
import type { LoadedSignal } from "./load-signals.ts";
import { uidIn } from "./select-signals.ts";

/**
 * What became of a signal in a writing replay. As a commit answers, or `left`: nothing was done for it (or, where the note
 * says so, nobody knows).
 */
export const REPLAY_OUTCOMES = ["applied", "duplicate", "held", "fenced", "left"] as const;
export type ReplayOutcomeName = (typeof REPLAY_OUTCOMES)[number];

/** A signal with the decision that was logged and the one made now. */
export interface ReplayedSignal {
  readonly entry_id: string;
  readonly uid: string | null;
  /** Where its fields were found. */
  readonly source: "stream" | "log";
  /** Null when it was never decided, or not logged. */
  readonly logged: ReplayDecision | null;
  /** Null when none was made; the note says why. */
  readonly decided: ReplayDecision | null;
  readonly outcome?: ReplayOutcomeName;
  /** Id of the dead letter it is in, or its record. */
  readonly dead_letter?: string;
  readonly note?: string;
  /** Null when no decision was made that could differ. */
  readonly difference: ReplayDifference | null;
}

/** What a replay found out about a signal. */
export interface Finding extends Pick<ReplayedSignal, "decided" | "outcome" | "dead_letter" | "note"> {
  /** The name of a strategy of the logged decision. */
  readonly nameOf?: (strategyId: number) => string | undefined;
}

/** A signal as replays answer it. */
export function replayed({ entry, source, logged }: LoadedSignal, finding: Finding): ReplayedSignal {
  const { decided, nameOf, ...more } = finding;
  const names = new Map(decided?.outcomes.map((outcome) => [outcome.strategy_id, outcome.strategy]));
  const was =
    logged === null ? null : withNames(logged.decision, (id) => nameOf?.(id) ?? names.get(id) ?? undefined);
  return {
    entry_id: entry.id,
    uid: logged?.uid ?? uidIn(entry),
    source,
    logged: was,
    decided,
    ...more,
    difference: decided === null ? null : differenceOf(was, decided),
  };
}

/** How many signals there were of each kind. */
export type ReplayCounts = Record<
  | SignalStatus
  | "selected"
  | "not_found"
  | "changed"
  | "unchanged"
  | "never_decided"
  | "undecidable"
  | "decided_before"
  | "dead_letter"
  | "held"
  | "fenced"
  | "left",
  number
>;

/** Counts of nothing yet. */
export function noCounts(): ReplayCounts {
  return {
    selected: 0,
    not_found: 0,
    dispatched: 0,
    ignored: 0,
    duplicate: 0,
    rejected: 0,
    changed: 0,
    unchanged: 0,
    never_decided: 0,
    undecidable: 0,
    decided_before: 0,
    dead_letter: 0,
    held: 0,
    fenced: 0,
    left: 0,
  };
}

/** Counts a signal that was come to: unless it is `left`, it is one less of those. */
export function countSignal(counts: ReplayCounts, signal: ReplayedSignal): void {
  const { decided, logged, difference, outcome } = signal;
  if (outcome === "left") return;
  counts.left -= 1;
  if (decided !== null) counts[decided.status] += 1;
  else if (outcome === "held" || outcome === "fenced") counts[outcome] += 1;
  else counts[signal.dead_letter === undefined ? "undecidable" : "dead_letter"] += 1;
  if (difference === null) return;
  if (logged === null) counts.never_decided += 1;
  else counts[isUnchanged(difference) ? "unchanged" : "changed"] += 1;
}
