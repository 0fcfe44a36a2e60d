import { randomUUID } from "node:crypto";
import type { CommitOutcome } from "../../shared/commit.ts";
import type { Entry } from "../../shared/entry.ts";
import { committedAmong } from "../../shared/io/streams/once-fences.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import { finishMsOf } from "../consume/budget.ts";
import { unavailableDependency } from "../consume/dependencies-ready.ts";
import { type Binding } from "../engine/binding.ts";
import { committedDecision, committedOutcome, duplicateUids } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessedEntry } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../engine/shadow-refused.ts";
import { timeLimit } from "../engine/time-limit.ts";
import type { Services } from "../setup/services.ts";
import { claimPosted } from "./claim-invocation.ts";
import { withLease } from "./exclusive-lease.ts";
import { beginInvocation } from "./invocation.ts";
import { functionBinding, withIds, type PostedEntries } from "./posted-entries.ts";

/** This room does what a client asks for now: calls of functions, retries of dead letters, pauses. */

/**
 * Calls a function on posted entries and commits the results, as one invocation. Of a function with side effects, one call of
 * an invocation runs at a time.
 * @throws UnavailableError when something it needs is unavailable, ShadowRefused, InvocationRefused for the id of a replay
 */
export async function runEntries(request: RunRequest, services: Services): Promise<RunAnswer> {
  if (services.config.shadow && request.functionName === "execute-strategies")
    throw new ShadowRefused(RUNS_NO_TASKS);
  const stopping = timeLimit(RUN_MS_MAX, services.stopping);
  await services.clock.sample();
  if (request.invocation !== undefined) await claimPosted(request.invocation, services);
  const entries = withIds(request.entries, services.clock.now());
  const invocation = request.invocation ?? randomUUID();
  const binding = functionBinding(request, services, { invocation, stopping });
  const unavailable = await unavailableDependency(binding, services);
  if (unavailable !== undefined) throw unavailable;
  const run = async (): Promise<RunAnswer> =>
    runInvocation(binding, { ...request, entries, invocation }, services);
  if (binding.sideEffectMsMax === undefined) return run();
  const lease = {
    key: services.keys.lease("invocation", invocation),
    what: `another call is running tasks of invocation ${invocation}`,
    workMsMax: msMaxOf(binding),
    waiting: stopping,
  };
  return withLease(services.redis, lease, run);
}

export interface RunRequest extends PostedEntries {
  readonly requestedBy: string;
  readonly reason?: string | undefined;
  /** What the entries stand for, for the record of the invocation. */
  readonly selection?: Readonly<Record<string, unknown>>;
}

export interface RunAnswer {
  readonly invocation: string;
  /** In the order of the request. */
  readonly results: readonly RunResult[];
}

/** What became of an entry. */
export interface RunResult {
  readonly id: string;
  readonly status: "committed" | "left";
  readonly outcome?: CommitOutcome;
  /** As it was recorded. */
  readonly decision?: SignalRecord;
  /** What a task came to, as it was recorded. */
  readonly execution?: OutcomeRecord;
  readonly error?: string;
}

/** After this no task begins. Tasks that have begun are finished, and commits that fail are no longer retried. */
const RUN_MS_MAX = 30_000;

/** Longest time for the whole call, in ms: what began in time is finished and committed. */
function msMaxOf(binding: Binding): number {
  return RUN_MS_MAX + finishMsOf([binding]);
}

/** A request whose entries have ids, and whose invocation has one. */
interface PreparedRun extends RunRequest {
  readonly entries: readonly Entry[];
  readonly invocation: string;
}

async function runInvocation(
  binding: Binding,
  { functionName, stream, entries, invocation: id, requestedBy, reason, selection: about }: PreparedRun,
  services: Services,
): Promise<RunAnswer> {
  const ids = entries.map((entry) => entry.id);
  const selection = { function: functionName, stream, entries: ids, ...about };
  const invocation = await beginInvocation(
    { kind: "manual", requestedBy, reason: reason ?? null, selection, id },
    services,
  );
  // The fence of the commit comes too late for side effects.
  const committedBefore = await committedAmong(services.redis, services.keys, id, ids);
  const open = entries.filter((entry) => !committedBefore.has(entry.id));
  const processed = await processInTime(binding, open, id, services);
  const counts = countsOf(processed);
  await invocation.finish({ ...counts, fenced: counts.fenced + committedBefore.size });
  const results = new Map<string, RunResult>();
  for (const entryId of committedBefore)
    results.set(entryId, { id: entryId, status: "committed", outcome: "fenced" });
  for (const result of await resultsOf(processed, services)) results.set(result.id, result);
  return { invocation: id, results: ids.flatMap((entryId) => results.get(entryId) ?? []) };
}

async function processInTime(
  binding: Binding,
  entries: readonly Entry[],
  invocation: string,
  services: Services,
): Promise<readonly ProcessedEntry[]> {
  const msMax = msMaxOf(binding);
  const deps = onDemandDeps(services, { msMax });
  const fence = { kind: "once", invocation } as const;
  const { processed, stoppedBy } = await processBatch(binding, entries, deps, { deliveries: 1, fence });
  if (stoppedBy === undefined) return processed;
  if (!(stoppedBy instanceof UnavailableError) && !deps.abort.aborted) throw stoppedBy;
  const why = stoppedBy instanceof UnavailableError ? stoppedBy.message : `it took longer than ${msMax} ms`;
  const repeat = "repeat the call with the same `invocation` and ids to do the rest";
  throw new UnavailableError(`${why}; what was committed stays: ${repeat}`, { cause: stoppedBy });
}

function countsOf(processed: readonly ProcessedEntry[]): Record<CommitOutcome | "dead" | "left", number> {
  const counts = { applied: 0, duplicate: 0, held: 0, fenced: 0, dead: 0, left: 0 };
  for (const each of processed) {
    if (each.status === "left") counts.left += 1;
    else if (each.outcome === "applied" && each.result.status === "dead") counts.dead += 1;
    else counts[each.outcome] += 1;
  }
  return counts;
}

async function resultsOf(
  processed: readonly ProcessedEntry[],
  { redis, keys }: Services,
): Promise<RunResult[]> {
  const uids = processed.flatMap((each) => duplicateUids(each));
  const holders = await holdersOf(redis, keys, uids);
  return processed.map((each): RunResult => {
    if (each.status === "left") return each;
    const { id, status, outcome, result } = each;
    const execution = committedOutcome(each);
    const done = { id, status, outcome, ...(execution === undefined ? {} : { execution }) };
    if (result.status === "dead") {
      const error = `${result.reason}: ${result.error}`;
      return { ...done, ...(outcome === "fenced" ? {} : { error }) };
    }
    const decision = committedDecision(each, holders);
    return { ...done, ...(decision === undefined ? {} : { decision }) };
  });
}
