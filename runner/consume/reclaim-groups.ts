import type { Entry } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { leaveGroup } from "../../shared/io/streams/consumers.ts";
import { GroupMissingError, streamGroupOn, type StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { countingCommit } from "../engine/counting-commit.ts";
import { processBatch } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { NOT_IN_TIME, sharesOf, timeLimitsOf, type Budget } from "./budget.ts";
import { unavailableDependency } from "./dependencies-ready.ts";
import { openInFlightEntries } from "./in-flight-entries.ts";
import { reclaimEntries, type ReclaimDeps } from "./reclaim-entries.ts";

/** What a round of taking over did to one group. */
export interface Reclaimed {
  readonly stream: StreamName;
  /** Entries that dead or stuck consumers had left behind. */
  readonly taken: number;
  /** Those of them that are finished, dead letters included; the others are tried again later. */
  readonly committed: number;
  /** False when there was no time for all of them, or something was in the way. */
  readonly finished: boolean;
  readonly unavailable?: string;
}

/** Takes over what was left behind in the groups of these bindings, one after the other, within the budget. */
export async function reclaimGroups(
  bindings: readonly Binding[],
  services: Services,
  budget: Budget,
): Promise<readonly Reclaimed[]> {
  const streams: Reclaimed[] = [];
  const away = new Map<FunctionName, string>();
  for (const [binding, share] of sharesOf(bindings, budget)) {
    const { stream, functionName } = binding;
    const unavailable = away.get(functionName);
    if (unavailable !== undefined) {
      streams.push({ stream, taken: 0, committed: 0, finished: false, unavailable });
      continue;
    }
    const reclaimed = await reclaimGroup(binding, services, share);
    streams.push(reclaimed);
    // What one stream of a function lacks, the others lack as well.
    if (reclaimed.unavailable !== undefined) away.set(functionName, reclaimed.unavailable);
  }
  return streams;
}

/** Until nothing is left behind, or the budget is used. */
async function reclaimGroup(binding: Binding, services: Services, budget: Budget): Promise<Reclaimed> {
  const { redis, keys, logger } = services;
  const { stream } = binding;
  const away = await unavailableDependency(binding, services);
  if (away !== undefined) {
    return { stream, taken: 0, committed: 0, finished: false, unavailable: away.message };
  }
  const { commit, count } = countingCommit(services.commit);
  const consumer = `${services.consumer}:http`;
  const { group, taken } = countingClaims(
    streamGroupOn(redis, keys, { stream, group: binding.group, consumer }),
  );
  try {
    const held = binding.asConsumer?.(consumer, timeLimitsOf(budget, binding)) ?? binding;
    const finished = await takeOverAll(held, group, { ...services, commit }, budget);
    return { stream, taken: taken(), committed: count(), finished };
  } catch (error) {
    const counts = { stream, taken: taken(), committed: count() };
    if (error instanceof UnavailableError) return { ...counts, finished: false, unavailable: error.message };
    // Nobody can have left anything in a group that is not there; who reads it says so.
    if (error instanceof GroupMissingError) return { ...counts, finished: true };
    throw error;
  } finally {
    await leaveGroup(redis, keys, { stream, group: binding.group, consumer }).catch((error: unknown) => {
      logger.debug({ err: error, consumer }, "a consumer could not leave its group; it is removed later");
    });
  }
}

/**
 * True when nothing is left to take over. The first trouble ends it: whoever asked wants to know now. Only what has been done
 * outside is committed as soon as that works.
 */
async function takeOverAll(
  binding: Binding,
  group: StreamGroup,
  services: Services,
  budget: Budget,
): Promise<boolean> {
  const { config, events, commit, clock } = services;
  const { claimIdleMs, deliveriesMax } = config;
  const fresh = failureReporter(events, {
    source: "reclaim",
    what: `entries of ${binding.stream} cannot be kept fresh`,
  });
  const inFlight = openInFlightEntries(group, {
    claimIdleMs,
    onError: fresh.failed,
    onSuccess: fresh.recovered,
  });
  const times = timeLimitsOf(budget, binding);
  const hindered = new AbortController();
  const stopping = hindered.signal;
  times.stopping.addEventListener("abort", () => hindered.abort(), { once: true });
  if (times.stopping.aborted) hindered.abort();
  const besides: Promise<unknown>[] = [];
  const deps: ReclaimDeps = {
    group,
    inFlight,
    claimIdleMs,
    deliveriesMax,
    commit,
    clock,
    events,
    reporter: { failed: () => hindered.abort(), recovered: () => undefined },
    stopping,
    abort: times.abort,
    beside: (begun) => {
      besides.push(begun);
    },
    async startUnstarted(entries: readonly Entry[]) {
      const ids = entries.map(({ id }) => id);
      inFlight.add(ids);
      try {
        await processBatch(binding, entries, deps, { deliveries: 1 });
      } finally {
        inFlight.remove(ids);
      }
    },
  };
  try {
    let finished = false;
    while (!finished && !stopping.aborted) finished = await reclaimEntries(binding, deps);
    await Promise.all(besides);
    return finished && !stopping.aborted;
  } catch (error) {
    throw deps.abort.aborted ? new UnavailableError(NOT_IN_TIME, { cause: error }) : error;
  } finally {
    inFlight.stop();
  }
}

/** `takeOver` says only whether there is more. */
function countingClaims(group: StreamGroup): { readonly group: StreamGroup; readonly taken: () => number } {
  let taken = 0;
  return {
    taken: () => taken,
    group: {
      ...group,
      async claim(...args) {
        const claimed = await group.claim(...args);
        if (claimed.status !== "taken") taken += 1;
        return claimed;
      },
    },
  };
}
