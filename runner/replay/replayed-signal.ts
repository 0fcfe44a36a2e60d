import { SIGNAL_STATUSES } from "../../shared/reasons.ts";
import { withNames, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import { differenceOf, isUnchanged, type ReplayDifference } from "../../shared/replay/replay-difference.ts";
import type { SignalFacts } from "../../shared/signal/signal.ts";
import type { LoadedSignal } from "./load-signals.ts";
import type { ReplayTask } from "./replay-tasks.ts";
import { factsIn } from "./select-signals.ts";

/** Builds the answer for one signal: its logged decision, the new one, and their difference. */
export function replayed({ entry, source, logged }: LoadedSignal, finding: Finding): ReplayedSignal {
  const { decided, decidedAs, nameOf, ...more } = finding;
  const names = new Map(decided?.outcomes.map((outcome) => [outcome.strategy_id, outcome.strategy]));
  const before =
    logged === null ? null : withNames(logged.decision, (id) => nameOf?.(id) ?? names.get(id) ?? undefined);
  const { uid, symbol, message } = { ...factsIn(entry), ...decidedAs };
  return {
    entry_id: entry.id,
    uid: logged?.uid ?? uid,
    symbol,
    message,
    source,
    logged: before,
    decided,
    ...more,
    difference: decided === null ? null : differenceOf(before, decided),
  };
}

/** Result of a writing replay for a signal: as a commit answers, or `left`: not decided, or unknown as the note says. */
export const REPLAY_OUTCOMES = ["applied", "duplicate", "held", "fenced", "left"] as const;
export type ReplayOutcomeName = (typeof REPLAY_OUTCOMES)[number];

export interface ReplayedSignal {
  readonly entry_id: string;
  readonly uid: string | null;
  readonly symbol: string | null;
  readonly message: string | null;
  /** Where its fields were found. */
  readonly source: "stream" | "log";
  /** Null when it has no decision, or none is logged yet. */
  readonly logged: ReplayDecision | null;
  /** Null when none was made; the note says why. */
  readonly decided: ReplayDecision | null;
  readonly outcome?: ReplayOutcomeName;
  /** Id of the dead letter that holds it, or the record of its decision. */
  readonly dead_letter?: string;
  readonly note?: string;
  /** Of a writing replay, or its dry run: the tasks that it adds. */
  readonly tasks?: readonly ReplayTask[];
  /** Null when no decision was made. */
  readonly difference: ReplayDifference | null;
}

/** What a replay found out about a signal. */
export interface Finding extends Pick<
  ReplayedSignal,
  "decided" | "outcome" | "dead_letter" | "note" | "tasks"
> {
  /** Uid and symbol of the new decision, if there is one: what the symbol means depends on the snapshot. */
  readonly decidedAs?: Pick<SignalFacts, "uid" | "symbol"> | undefined;
  /** Names a strategy of the logged decision. */
  readonly nameOf?: (strategyId: number) => string | undefined;
}

const COUNTS = [
  "selected",
  "not_found",
  "tasks",
  ...SIGNAL_STATUSES,
  "changed",
  "unchanged",
  "never_decided",
  "undecidable",
  "decided_before",
  "dead_letter",
  "held",
  "fenced",
  "left",
] as const;

/** Signals of a replay, counted by kind. */
export type ReplayCounts = Record<(typeof COUNTS)[number], number>;

export function noCounts(): ReplayCounts {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as ReplayCounts;
}

/** Counts an answered signal; all were counted as `left` before. */
export function countSignal(counts: ReplayCounts, signal: ReplayedSignal): void {
  const { decided, logged, difference, outcome } = signal;
  if (outcome === "left") return;
  counts.left -= 1;
  counts.tasks += signal.tasks?.length ?? 0;
  if (decided !== null) counts[decided.status] += 1;
  else if (outcome === "held" || outcome === "fenced") counts[outcome] += 1;
  else counts[signal.dead_letter === undefined ? "undecidable" : "dead_letter"] += 1;
  if (difference === null) return;
  if (logged === null) counts.never_decided += 1;
  else counts[isUnchanged(difference) ? "unchanged" : "changed"] += 1;
}
