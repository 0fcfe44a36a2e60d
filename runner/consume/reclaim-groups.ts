import { onAbort, withManyListeners } from "../../shared/abort.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { correctIdleTimes } from "../../shared/io/streams/idle-times.ts";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { DeposedError, UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Holding } from "../holding/holdings.ts";
import type { Services } from "../setup/services.ts";
import { NOT_IN_TIME, sharesOf, timeLimitsOf, type Budget } from "./budget.ts";
import { openSession, uniqueNameFor, type ConsumerSession } from "./consumer-session.ts";
import { unavailableDependency } from "./dependencies-ready.ts";
import { hasTakenOver } from "./drain.ts";
import { holdForCall } from "./hold-for-call.ts";
import { reclaimEntries } from "./reclaim-entries.ts";

/** What reclaiming did to one group. */
export interface Reclaimed {
  readonly stream: StreamName;
  /** Entries that dead or stuck consumers had left pending. */
  readonly taken: number;
  /** Those of them that are finished, dead letters included; the others are reclaimed again later. */
  readonly committed: number;
  /** False when there was no time for all of them, or something was unavailable. */
  readonly finished: boolean;
  readonly unavailable?: string;
  /** Set when another runner holds the group: it reclaims what is left there, and nothing was done. */
  readonly held_by?: string;
}

/** Reclaims what was left pending in the groups of these bindings, one after the other, within the budget. */
export async function reclaimGroups(
  bindings: readonly Binding[],
  services: Services,
  budget: Budget,
): Promise<readonly Reclaimed[]> {
  const streams: Reclaimed[] = [];
  const unavailable = new Map<FunctionName, string>();
  for (const [binding, share] of sharesOf(bindings, budget)) {
    const { stream, functionName } = binding;
    // What one stream of a function lacks, the others lack as well.
    const known = unavailable.get(functionName) ?? (await unavailableDependency(binding, services))?.message;
    const reclaimed =
      known === undefined
        ? await reclaimIfFree(binding, services, share)
        : { stream, taken: 0, committed: 0, finished: false, unavailable: known };
    streams.push(reclaimed);
    if (reclaimed.unavailable !== undefined) unavailable.set(functionName, reclaimed.unavailable);
  }
  return streams;
}

async function reclaimIfFree(binding: Binding, services: Services, budget: Budget): Promise<Reclaimed> {
  const { stream } = binding;
  const reclaimed = await holdForCall(binding, services, {
    budget,
    act: async (holding) => reclaimGroup(binding, services, { budget, holding }),
  });
  return "stream" in reclaimed
    ? reclaimed
    : { stream, taken: 0, committed: 0, finished: true, held_by: reclaimed.held_by };
}

/**
 * Until nothing is left to reclaim, or the budget is used. The first failure ends it, so that the caller hears of it at once; only
 * what has had a side effect is committed as soon as that works.
 */
async function reclaimGroup(
  binding: Binding,
  services: Services,
  { budget, holding }: { readonly budget: Budget; readonly holding: Holding | undefined },
): Promise<Reclaimed> {
  const { stream } = binding;
  const limits = timeLimitsOf(budget, binding);
  const failed = new AbortController();
  const stopping = withManyListeners(failed.signal);
  const fail = (): void => failed.abort();
  onAbort(limits.stopping, fail);
  const reporter = { failed: fail, recovered: () => undefined };
  const session = openSession(
    binding,
    { ...services, ...services.config, reporter, stopping, abort: limits.abort },
    {
      consumer: uniqueNameFor(services.consumer, "reclaim"),
      onDemand: true,
      limits,
      batchesMax: 1,
      source: "reclaim",
    },
  );
  const reclaimed = (finished: boolean): Reclaimed => {
    const { reclaimed: taken, committed } = session.counts;
    return { stream, taken, committed, finished };
  };
  try {
    session.hold(holding);
    await correctIdleTimes(session.deps.redis, session.deps.keys, binding);
    const isTaken = await hasTakenOver(session, { budget });
    return reclaimed((await reclaimAll(session)) && isTaken);
  } catch (error) {
    // Nothing can have been left in a group that is not there; the loop that reads it reports that.
    if (error instanceof GroupMissingError) return reclaimed(true);
    if (error instanceof UnavailableError || error instanceof DeposedError)
      return { ...reclaimed(false), unavailable: error.message };
    if (limits.abort.aborted) return { ...reclaimed(false), unavailable: NOT_IN_TIME };
    throw error;
  } finally {
    await session.leave();
  }
}

/** True when nothing is left to reclaim. What has been started is waited for also when the rest fails. */
async function reclaimAll(session: ConsumerSession): Promise<boolean> {
  const { running } = session.policy;
  const { stopping } = session.deps;
  let finished = false;
  try {
    while (!finished && !stopping.aborted) {
      finished = await reclaimEntries(session, { others: true, own: false });
    }
  } finally {
    await running.ended();
  }
  running.throwFailure();
  return finished && !stopping.aborted;
}
