import { entryTime } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { lastIdsOf } from "../../shared/io/streams/last-ids.ts";
import { configuredBindings } from "../bindings/all-bindings.ts";
import type { Budget, SideEffects } from "../consume/budget.ts";
import { drainFunction, type DrainAnswer } from "../consume/drain-function.ts";
import { reclaimGroups } from "../consume/reclaim-groups.ts";
import type { Services } from "../setup/services.ts";
import type { Maintenance } from "./maintenance.ts";
import type { JobAnswers, Jobs } from "./run-job.ts";

export interface TickDeps {
  readonly services: Services;
  readonly jobs: Jobs;
  readonly maintenance: Maintenance;
}

/** What a part did; `error` when some of it, or all, failed. */
export interface PartOutcome {
  readonly status?: "not_due";
  readonly result?: DrainAnswer | JobAnswers[keyof JobAnswers];
  readonly error?: string;
}

/** A part of a round. */
export interface Part {
  readonly part: "refresh-reference" | "reclaim" | "poll" | "trim" | "prune";
  /** The function whose groups it is about. */
  readonly functionName?: FunctionName;
  /** Its work with side effects, which may outlast the budget. */
  readonly works?: readonly SideEffects[];
  run(budget: Budget): Promise<PartOutcome>;
}

/** The refresh, if FUNCTIONS names it. */
export function refreshPart({ services, jobs }: TickDeps): Part | undefined {
  if (!services.config.functions.includes("refresh-reference")) return undefined;
  return {
    part: "refresh-reference",
    run: async (budget) =>
      (await isRefreshDue(services))
        ? { result: await jobs["refresh-reference"].run(budget) }
        : { status: "not_due" },
  };
}

/** Entries of REFERENCE_STREAMS from so long before the last refresh was confirmed may be from after it read the rows. */
const REFRESH_MS_MAX = 10_000;

async function isRefreshDue({ redis, keys, clock, config, routing }: Services): Promise<boolean> {
  // What this process has cached may be outdated, as after Redis was emptied.
  routing.invalidate();
  if ("status" in (await routing.get())) return true;
  const confirmedAt = await redis.get(keys.referenceConfirmedAt);
  // In the future: from before Redis' clock was set back.
  const agoMs = confirmedAt === null ? Infinity : clock.now() - Number(confirmedAt);
  if (agoMs >= config.referenceRefreshMs || agoMs < -config.referenceRefreshMs) return true;
  const lastIds = await lastIdsOf(redis, config.referenceStreams);
  return [...lastIds.values()].some(
    (id) => typeof id === "string" && entryTime(id) > Number(confirmedAt) - REFRESH_MS_MAX,
  );
}

/**
 * All other parts that FUNCTIONS names, what signals wait for first, so that the log, and the Postgres it needs, hold up no
 * trading.
 */
export function partsOf({ services, jobs, maintenance }: TickDeps): readonly Part[] {
  const { functions } = services.config;
  const named = (name: FunctionName, part: Part): Part[] => (functions.includes(name) ? [part] : []);
  const bindings = configuredBindings(services);
  const names = new Set(bindings.map((binding) => binding.functionName));
  const onGroups = [...names].flatMap((functionName): Part[] => {
    const works = bindings.filter((binding) => binding.functionName === functionName);
    const reclaim = async (budget: Budget): Promise<PartOutcome> => {
      const streams = await reclaimGroups(works, services, budget);
      return { result: { streams }, ...firstError(streams.map(({ unavailable }) => unavailable)) };
    };
    const poll = async (budget: Budget): Promise<PartOutcome> => {
      const result = await drainFunction(works, services, { budget });
      return { result, ...firstError([...result.lost.map(({ message }) => message), result.unavailable]) };
    };
    return [
      ...named("reclaim", { part: "reclaim", functionName, works, run: reclaim }),
      { part: "poll", functionName, works, run: poll },
    ];
  });
  const trim = async (budget: Budget): Promise<PartOutcome> => {
    const result = await jobs.trim.run(budget);
    return { result, ...firstError([result.log?.error]) };
  };
  const prune = async (): Promise<PartOutcome> => {
    await maintenance.prune();
    return {};
  };
  return [
    ...onGroups,
    ...named("trim", { part: "trim", run: trim }),
    ...named("reclaim", { part: "prune", run: prune }),
  ];
}

function firstError(errors: readonly (string | undefined)[]): { readonly error?: string } {
  const error = errors.find((each) => each !== undefined);
  return error === undefined ? {} : { error };
}
