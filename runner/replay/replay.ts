import type { EntryRange } from "../../shared/entry-range.ts";
import { messageOf, toError } from "../../shared/error-message.ts";
import { ShadowRefused } from "../engine/shadow-refused.ts";
import { committingRun, MISSING_FENCE, type CommittingRunOptions } from "./committing-run.ts";
import { dryCommit } from "./dry-commit.ts";
import { dryRun } from "./dry-run.ts";
import { continued, forceOptions, markOf } from "./force-options.ts";
import { batchesOf } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { countSignal, noCounts, type ReplayCounts, type ReplayedSignal } from "./replayed-signal.ts";
import {
  BATCH_COUNT,
  SIGNALS_MAX,
  WAIT_MS_MAX,
  type ReplayDeps,
  type ReplayMode,
  type ReplayOptions,
  type ReplayRequest,
} from "./request.ts";
import { selectSignals } from "./select-signals.ts";
import { openSnapshots } from "./snapshots.ts";
import { undecidedSignals } from "./undecided-signals.ts";
import { waitForDecisions } from "./wait-for-router.ts";

/** This room decides signals again: as a dry run, where the decision is missing, or by force. */

/**
 * Selects the signals of a replay and checks that it can begin; writes nothing.
 * @throws ReplayRefused, ShadowRefused, and DatabaseError or UnavailableError when something it needs is unavailable
 */
export async function prepareReplay(
  request: ReplayRequest,
  deps: ReplayDeps,
  options: ReplayOptions = {},
): Promise<Replay> {
  if (deps.config.shadow && request.mode !== "dry-run" && !request.dryRun)
    throw new ShadowRefused(REPLAYS_DRY);
  await deps.clock.sample();
  return replayOf(request, await planOf(request, deps, options), deps);
}

const REPLAYS_DRY = "replays only as a dry run";

/** A replay that can begin. */
export interface Replay {
  /** Signals it answers, at most. */
  readonly listed: number;
  /**
   * Does the work, once; no batch is empty. A caller that stops reading ends it after the batch in flight, and the end is
   * recorded. @throws whatever stops a dry run
   */
  run(): AsyncGenerator<readonly ReplayedSignal[], void>;
  /** What has been done so far. */
  summary(): ReplaySummary;
  /** What stopped a writing replay before its end. */
  failure(): Error | undefined;
}

export interface ReplaySummary {
  readonly mode: ReplayMode;
  /** True when nothing was written. */
  readonly dry_run: boolean;
  /** As requested: `current`, `logged` or a version. */
  readonly snapshot: string;
  /**
   * Id of the invocation; null for a dry run, and when there was nothing to do. Of a dry run for `force`: the one to call `force`
   * with, so that it adds these very tasks.
   */
  readonly invocation: string | null;
  /** Ids of the only strategies that may get tasks; null: all. */
  readonly strategies: readonly number[] | null;
  /** Of signals that were chosen by time, from which entry to which; null for others. */
  readonly range: EntryRange | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly counts: ReplayCounts;
  /** Requested entry ids or uids that are neither in the stream nor in the log. */
  readonly not_found: readonly string[];
}

/** The signals a replay answers, and the run that answers them. */
interface Plan {
  readonly ids: readonly string[];
  readonly notFound: readonly string[];
  readonly range: EntryRange | undefined;
  /** Selected entries that are not answered, since they already had a decision. */
  readonly decidedBefore: number;
  readonly strategies: readonly number[] | null;
  readonly replayRun: ReplayRun;
}

type PlanOptions = Required<Pick<ReplayOptions, "signalsMax" | "waitMsMax">> & Pick<ReplayOptions, "abort">;

async function planOf(
  request: ReplayRequest,
  deps: ReplayDeps,
  { signalsMax = SIGNALS_MAX, waitMsMax = WAIT_MS_MAX, abort }: ReplayOptions,
): Promise<Plan> {
  const { mode, snapshot, selection } = request;
  const options = { signalsMax, waitMsMax, ...(abort === undefined ? {} : { abort }) };
  if (mode === "force") return forcePlan(request, deps, options);
  const all = { decidedBefore: 0, strategies: null };
  if (mode === "dry-run") {
    const snapshots = await openSnapshots(snapshot, deps);
    const { ids, notFound, range } = await selectSignals(selection, deps, signalsMax);
    return { ...all, ids, notFound, range, replayRun: await dryRun(snapshots, deps) };
  }
  const { ids, notFound, range, recorded } = await selectSignals(selection, deps, signalsMax);
  const { undecided, deadLetters } = await undecidedSignals(ids, deps, { waitMsMax, abort });
  const replayRun = runOf({ request, selection: recorded, deadLetters, fence: MISSING_FENCE }, deps);
  const decidedBefore = ids.length - undecided.length;
  return { ...all, ids: undecided, notFound, range, decidedBefore, replayRun };
}

async function forcePlan(
  request: ReplayRequest,
  deps: ReplayDeps,
  { signalsMax, waitMsMax, abort }: PlanOptions,
): Promise<Plan> {
  const force = await forceOptions(request, deps);
  const { strategies, invocation } = force;
  const selected = await selectSignals(continued(request.selection, force.begun), deps, signalsMax);
  const mark = markOf(force, selected);
  const { ids, notFound, range, recorded } = selected;
  // An entry that is still in flight, or that a new group will read, would be dispatched a second time by the router.
  await waitForDecisions(ids, deps, { waitMsMax, abort });
  const chosen = strategies === null ? {} : { chosen: new Set(strategies) };
  const run = {
    request,
    selection: strategies === null ? recorded : { ...recorded, strategies },
    deadLetters: new Map<string, string>(),
    fence: invocation,
    force: { ...force, mark, ...chosen },
  };
  return { ids, notFound, range, decidedBefore: 0, strategies, replayRun: runOf(run, deps) };
}

function runOf(
  options: CommittingRunOptions & { readonly request: ReplayRequest },
  deps: ReplayDeps,
): ReplayRun {
  return options.request.dryRun ? dryCommit(options, deps) : committingRun(options, deps);
}

function replayOf({ mode, snapshot, by, reason }: ReplayRequest, plan: Plan, deps: ReplayDeps): Replay {
  const { ids, replayRun, decidedBefore, strategies, range = null } = plan;
  const notFound = [...plan.notFound];
  const counts = noCounts();
  counts.selected = ids.length + decidedBefore;
  counts.decided_before = decidedBefore;
  counts.not_found = notFound.length;
  let failure: Error | undefined;

  async function* run(): AsyncGenerator<readonly ReplayedSignal[], void> {
    counts.left = ids.length;
    try {
      for (const batch of batchesOf(ids, BATCH_COUNT)) {
        const done = await replayRun.batch(batch);
        countVanished(batch, done.signals);
        for (const signal of done.signals) countSignal(counts, signal);
        failure = done.failure;
        if (done.signals.length > 0) yield done.signals;
        if (failure !== undefined) return;
      }
    } catch (error) {
      if (!replayRun.writes) throw error;
      failure = toError(error);
    } finally {
      await finish();
    }
  }

  /** Signals trimmed from the stream since they were selected, and not in the log. */
  function countVanished(batch: readonly string[], signals: readonly ReplayedSignal[]): void {
    if (signals.length === batch.length) return;
    const found = new Set(signals.map((signal) => signal.entry_id));
    const vanished = batch.filter((id) => !found.has(id));
    notFound.push(...vanished);
    counts.not_found += vanished.length;
    counts.selected -= vanished.length;
    counts.left -= vanished.length;
  }

  /** Never rejects: what was done is answered even when the end cannot be recorded. */
  async function finish(): Promise<void> {
    try {
      await replayRun.finish(counts);
    } catch (error) {
      const message = `the end of replay ${replayRun.invocation()} could not be recorded: ${messageOf(error)}`;
      deps.logger.error({ err: error, counts }, message);
      failure ??= toError(error);
    }
  }

  return {
    listed: ids.length,
    run,
    summary() {
      const invocation = replayRun.invocation();
      const dry_run = !replayRun.writes;
      const asked = { mode, dry_run, snapshot, invocation, strategies, range, by, reason };
      return { ...asked, counts, not_found: notFound };
    },
    failure: () => failure,
  };
}
