import { messageOf } from "../../shared/error-message.ts";
import { signalBinding } from "../bindings/signal-binding.ts";
import { beginInvocation, type Invocation } from "../on-demand/invocation.ts";
import { commitBatch, replayDecision, type CommittedBatch } from "./commit-batch.ts";
import { loadSignals, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { replayed, type Finding, type ReplayCounts } from "./replayed-signal.ts";
import type { ReplayDeps, ReplayRequest } from "./request.ts";

/**
 * Decides and commits signals batch by batch, as one invocation: recorded when it begins and when it ends, or not at all when
 * there is nothing to decide.
 */
export function committingRun(
  { mode, request, selection, deadLetters }: CommittingRunOptions,
  deps: ReplayDeps,
): ReplayRun {
  const { by, reason } = request;
  let begun: Invocation | undefined;

  async function commit(signals: readonly LoadedSignal[]): Promise<CommittedBatch> {
    if (signals.length === 0) return { processed: new Map(), holders: new Map() };
    begun ??= await beginInvocation({ kind: "replay", mode, requestedBy: by, reason, selection }, deps);
    const forced = mode === "force" ? { forcedAt: begun.startedAt } : {};
    const binding = signalBinding(deps, { invocation: begun.id, whilePaused: "decide", ...forced });
    const fence = mode === "force" ? begun.id : MISSING_FENCE;
    const entries = signals.map(({ entry }) => entry);
    return commitBatch(binding, entries, deps, { fence });
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
  readonly mode: "missing" | "force";
  readonly request: Pick<ReplayRequest, "by" | "reason">;
  /** As it is recorded with the invocation. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Dead letter by entry id; these entries are answered, but not decided. */
  readonly deadLetters: ReadonlyMap<string, string>;
}

/**
 * Shared by all runs for missing decisions: of two at a time, only one decides an entry, even where no uid is claimed. No
 * invocation can be given this id.
 */
const MISSING_FENCE = "missing:replay";

function inDeadLetter(deadLetter: string): Finding {
  const note = "it, or the record of its decision, is a dead letter: retry that one";
  return { decided: null, dead_letter: deadLetter, note };
}

function findingOf({ entry }: LoadedSignal, done: CommittedBatch): Finding {
  const processed = done.processed.get(entry.id);
  if (processed === undefined) return { decided: null, outcome: "left", note: messageOf(done.failure) };
  if (processed.status === "left") return { decided: null, outcome: "left", note: processed.error };
  const { outcome } = processed;
  const decided = replayDecision(processed, done);
  switch (outcome) {
    case "held":
      return { decided, outcome, note: "it had already been dispatched and was not dispatched again" };
    case "fenced":
      return {
        decided,
        outcome,
        note: "another replay committed it at the same time, or an attempt of this one whose answer was lost",
      };
    case "applied":
    case "duplicate":
      return { decided, outcome };
  }
}

function countsText({ selected, dispatched, ignored, duplicate, rejected, left }: ReplayCounts): string {
  return `${selected} selected, ${dispatched} dispatched, ${ignored + duplicate + rejected} not dispatched, ${left} left`;
}
