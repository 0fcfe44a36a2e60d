import { messageOf } from "../../shared/error-message.ts";
import type { InvocationMark } from "../../shared/io/streams/invocation-marks.ts";
import { decisionRecordIn } from "../../shared/published-record.ts";
import { signalBinding } from "../bindings/signal-binding.ts";
import type { BindingOptions } from "../engine/binding.ts";
import { claimInvocation, endedClaim } from "../on-demand/claim-invocation.ts";
import { beginInvocation, type Invocation } from "../on-demand/invocation.ts";
import { commitBatch, replayDecision, type CommittedBatch } from "./commit-batch.ts";
import type { ForceOptions } from "./force-options.ts";
import { loadSignals, loggedUidsOf, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { tasksIn } from "./replay-tasks.ts";
import { replayed, type Finding, type ReplayCounts } from "./replayed-signal.ts";
import type { ReplayDeps, ReplayRequest } from "./request.ts";

/**
 * Decides and commits signals batch by batch, as one invocation: recorded when it begins and when it ends, or not at all when
 * there is nothing to decide.
 */
export function committingRun(
  { request, selection, deadLetters, force, fence }: CommittingRunOptions,
  deps: ReplayDeps,
): ReplayRun {
  const { by, reason, mode } = request;
  let begun: Invocation | undefined;

  async function begin(): Promise<Invocation> {
    const recorded = { kind: "replay", mode, requestedBy: by, reason, selection } as const;
    if (force === undefined) return beginInvocation(recorded, deps);
    await claimInvocation(force.invocation, force.mark, { ...deps, nameOf: force.nameOf });
    return beginInvocation({ ...recorded, id: force.invocation }, deps);
  }

  async function commit(signals: readonly LoadedSignal[]): Promise<CommittedBatch> {
    const none: CommittedBatch = { processed: new Map(), holders: new Map() };
    if (signals.length === 0) return none;
    if (begun !== undefined && force !== undefined) {
      const ended = await endedClaim(force.invocation, deps);
      if (ended !== undefined) return { ...none, failure: ended };
    }
    begun ??= await begin();
    const binding = signalBinding(deps, {
      invocation: begun.id,
      whilePaused: "decide",
      loggedUids: loggedUidsOf(signals),
      ...forced(begun),
    });
    const entries = signals.map(({ entry }) => entry);
    return commitBatch(binding, entries, deps, { fence });
  }

  function forced({ startedAt }: Invocation): BindingOptions {
    if (force === undefined) return {};
    const { chosen } = force;
    return { forcedAt: startedAt, ...(chosen === undefined ? {} : { chosen }) };
  }

  return {
    writes: true,
    invocation: () => begun?.id ?? null,
    async batch(ids) {
      const found = await loadSignals(ids, deps);
      const done = await commit(found.filter(({ entry }) => !deadLetters.has(entry.id)));
      const signals = found.map((signal) => {
        const letter = deadLetters.get(signal.entry.id);
        return replayed(signal, letter === undefined ? findingOf(signal, done) : inDeadLetter(letter));
      });
      return { signals, ...(done.failure === undefined ? {} : { failure: done.failure }) };
    },
    async finish(counts) {
      if (begun === undefined) return;
      deps.events.publish({
        level: "INFO",
        source: "replays",
        message: `replay ${begun.id} (${mode}) by ${by ?? "an unnamed client"} has ended: ${countsText(counts)}`,
        details: { invocation: begun.id, mode, by, reason, counts },
      });
      await begun.finish(counts);
    },
  };
}

export interface CommittingRunOptions {
  readonly request: Pick<ReplayRequest, "by" | "reason" | "mode">;
  /** As it is recorded with the invocation. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Dead letter by entry id; these entries are answered, but not decided. */
  readonly deadLetters: ReadonlyMap<string, string>;
  /** Of all commits under this name, only one acts on an entry. */
  readonly fence: string;
  /** Set for `force`. */
  readonly force?: Pick<ForceOptions, "invocation" | "nameOf"> & {
    readonly mark: InvocationMark;
    /** Ids of the only strategies that may get tasks; absent: all. */
    readonly chosen?: ReadonlySet<number>;
  };
}

/**
 * Shared by all runs for missing decisions: of two at a time, only one decides an entry, even where no uid is claimed. No
 * invocation can be given this id.
 */
export const MISSING_FENCE = "missing:replay";

export const NOTES = {
  held: "it had already been dispatched and was not dispatched again",
  fenced: "this replay has committed it before, or another one did at the same time: it is not done again",
  deadLetter: "it, or the record of its decision, is a dead letter: retry that one",
} as const;

export function inDeadLetter(deadLetter: string): Finding {
  return { decided: null, dead_letter: deadLetter, note: NOTES.deadLetter, tasks: [] };
}

function findingOf({ entry }: LoadedSignal, done: CommittedBatch): Finding {
  const processed = done.processed.get(entry.id);
  if (processed === undefined)
    return { decided: null, outcome: "left", note: messageOf(done.failure), tasks: [] };
  if (processed.status === "left")
    return { decided: null, outcome: "left", note: processed.error, tasks: [] };
  const { outcome, result } = processed;
  const decided = replayDecision(processed, done);
  switch (outcome) {
    case "held":
    case "fenced":
      return { decided, outcome, note: NOTES[outcome], tasks: [] };
    case "duplicate":
      return { decided, outcome, tasks: [] };
    case "applied":
      return {
        decided,
        decidedAs: result.status === "done" ? decisionRecordIn(result.effects) : undefined,
        outcome,
        tasks: result.status === "done" ? tasksIn(result.effects) : [],
      };
  }
}

function countsText({ selected, dispatched, ignored, duplicate, rejected, left }: ReplayCounts): string {
  return `${selected} selected, ${dispatched} dispatched, ${ignored + duplicate + rejected} not dispatched, ${left} left`;
}
