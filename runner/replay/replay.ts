import { messageOf, toError } from "../../shared/error-message.ts";
import { committingRun } from "./committing-run.ts";
import { dryRun } from "./dry-run.ts";
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
import { batchesOf, selectSignals } from "./select-signals.ts";
import { openSnapshots } from "./snapshots.ts";
import { undecidedSignals, untilNotInFlight } from "./undecided-signals.ts";

/** What a replay says of itself. */
export interface ReplaySummary {
  readonly mode: ReplayMode;
  /** What was asked for: `current`, `logged` or a version. */
  readonly snapshot: string;
  /** Id of the invocation; null for a dry run, and where there was nothing to do. */
  readonly invocation: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly counts: ReplayCounts;
  /** Entry ids or uids that were asked for and are neither in the stream nor in the log. */
  readonly not_found: readonly string[];
}

/** A replay that nothing stands in the way of any more. */
export interface Replay {
  /** Signals it answers, at most. */
  readonly listed: number;
  /**
   * Does it, once, batch by batch; no batch is empty. Whoever stops asking stops it: what is in hand is finished, and the
   * end recorded. @throws whatever stops a dry run
   */
  run(): AsyncGenerator<readonly ReplayedSignal[], void>;
  /** As far as it has come. */
  summary(): ReplaySummary;
  /** What stopped a writing replay before its end. */
  failure(): Error | undefined;
}

/** Which signals a replay answers, and how it comes to the answers. */
interface Plan {
  readonly ids: readonly string[];
  readonly notFound: readonly string[];
  /** Entries chosen that are not answered, since they had been decided. */
  readonly decidedBefore: number;
  readonly replayRun: ReplayRun;
}

/**
 * Finds out which signals a replay is about and whether it can be done, and writes nothing.
 * @throws ReplayRefused, and DatabaseError or NotNow while something it needs is away
 */
export async function prepareReplay(
  request: ReplayRequest,
  deps: ReplayDeps,
  options: ReplayOptions = {},
): Promise<Replay> {
  await deps.clock.sample();
  return replayOf(request, await planOf(request, deps, options), deps);
}

async function planOf(
  request: ReplayRequest,
  deps: ReplayDeps,
  { signalsMax = SIGNALS_MAX, waitMsMax = WAIT_MS_MAX, abort }: ReplayOptions,
): Promise<Plan> {
  const { mode, snapshot, selection } = request;
  if (mode === "dry-run") {
    const snapshots = await openSnapshots(snapshot, deps);
    const { ids, notFound } = await selectSignals(selection, deps, signalsMax);
    return { ids, notFound, decidedBefore: 0, replayRun: await dryRun(snapshots, deps) };
  }
  const { ids, notFound, recorded } = await selectSignals(selection, deps, signalsMax);
  if (mode === "force") {
    // The router would dispatch once more what is still in its hands, or what it is given when its group is made.
    await untilNotInFlight(ids, deps, { waitMsMax, abort });
    const replayRun = committingRun({ mode, request, selection: recorded, deadLetters: new Map() }, deps);
    return { ids, notFound, decidedBefore: 0, replayRun };
  }
  const { open, deadLetters } = await undecidedSignals(ids, deps, { waitMsMax, abort });
  const replayRun = committingRun({ mode, request, selection: recorded, deadLetters }, deps);
  return { ids: open, notFound, decidedBefore: ids.length - open.length, replayRun };
}

function replayOf({ mode, snapshot, by, reason }: ReplayRequest, plan: Plan, deps: ReplayDeps): Replay {
  const { ids, replayRun, decidedBefore } = plan;
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
        noteVanished(batch, done.signals);
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

  /** Trimmed from the stream since they were chosen, and not in the log. */
  function noteVanished(batch: readonly string[], signals: readonly ReplayedSignal[]): void {
    if (signals.length === batch.length) return;
    const there = new Set(signals.map((signal) => signal.entry_id));
    const vanished = batch.filter((id) => !there.has(id));
    notFound.push(...vanished);
    counts.not_found += vanished.length;
    counts.selected -= vanished.length;
    counts.left -= vanished.length;
  }

  /** What was done is answered also when its end cannot be recorded. */
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
    summary: () => ({
      mode,
      snapshot,
      invocation: replayRun.invocation(),
      by,
      reason,
      counts,
      not_found: notFound,
    }),
    failure: () => failure,
  };
}
