import { randomUUID } from "node:crypto";
import type { CommitOutcome } from "../../shared/commit.ts";
import type { Entry, Fields } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { committedAmong } from "../../shared/io/streams/once-fences.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { SignalRecord } from "../../shared/records.ts";
import { bindingTo } from "../bindings/all-bindings.ts";
import { finishMsOf } from "../consume/budget.ts";
import { unavailableDependency } from "../consume/dependencies-ready.ts";
import { type Binding, type BindingOptions } from "../engine/binding.ts";
import { committedDecision, duplicateRecord } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessedEntry } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { timeLimit } from "../engine/time-limit.ts";
import type { Services } from "../setup/services.ts";
import { LEASE_SPARE_MS, withLease } from "./exclusive-lease.ts";
import { beginInvocation } from "./invocation.ts";

/** An entry somebody brings, instead of a stream; one without an id is given one. */
export interface PostedEntry {
  readonly id?: string | undefined;
  readonly fields: Fields;
}

export interface RunRequest {
  readonly functionName: FunctionName;
  /** The stream the entries are to be taken for. */
  readonly stream: StreamName;
  /** Ids that are given are each there once. */
  readonly entries: readonly PostedEntry[];
  /** Default: one nobody else has. What was committed under it is not committed again. */
  readonly invocation?: string | undefined;
  readonly requestedBy: string;
  readonly reason?: string | undefined;
}

/** What became of an entry; `decision` is the record that was made, where one was. */
export interface RunResult {
  readonly id: string;
  readonly status: "committed" | "left";
  readonly outcome?: CommitOutcome;
  readonly decision?: SignalRecord;
  readonly error?: string;
}

export interface RunAnswer {
  readonly invocation: string;
  /** In the order of the request. */
  readonly results: readonly RunResult[];
}

/** Then no task is begun any more; one that has been begun is finished, and what cannot be committed is not tried for longer. */
const RUN_MS_MAX = 30_000;

/**
 * Calls the function on the entries and commits the results, as an invocation of its own that is recorded when it begins
 * and when it ends. Where the function does something outside, one call of an invocation waits until the other is over.
 * @throws NotNow when something that is needed is away
 */
export async function runEntries(request: RunRequest, services: Services): Promise<RunAnswer> {
  const stopping = timeLimit(RUN_MS_MAX, services.stopping);
  await services.clock.sample();
  const entries = withIds(request.entries, services.clock.now());
  const id = request.invocation ?? randomUUID();
  const binding = functionBinding(request, services, { invocation: id, stopping });
  const away = await unavailableDependency(binding, services);
  if (away !== undefined) throw away;
  const run = async (): Promise<RunAnswer> => runOnce(binding, { ...request, entries, id }, services);
  if (binding.sideEffectMsMax === undefined) return run();
  const lease = {
    key: services.keys.lease("invocation", id),
    what: `another call runs tasks of invocation ${id}`,
    lifeMs: limitOf(binding) + LEASE_SPARE_MS,
    waiting: stopping,
  };
  return withLease(services.redis, lease, run);
}

type Run = Omit<RunRequest, "entries" | "invocation"> & {
  readonly entries: readonly Entry[];
  /** The invocation. */
  readonly id: string;
};

async function runOnce(
  binding: Binding,
  { functionName, stream, entries, id, requestedBy, reason }: Run,
  services: Services,
): Promise<RunAnswer> {
  const ids = entries.map((entry) => entry.id);
  const selection = { function: functionName, stream, entries: ids };
  const invocation = await beginInvocation(
    { kind: "manual", requestedBy, reason: reason ?? null, selection, id },
    services,
  );
  // Where calling the function does something outside, the fence of the commit would come too late.
  const before = await committedAmong(services.redis, services.keys, id, ids);
  const processed = await processOnce(
    binding,
    entries.filter((entry) => !before.has(entry.id)),
    id,
    services,
  );
  const counts = countsOf(processed);
  await invocation.finish({ ...counts, fenced: counts.fenced + before.size });
  const results = new Map<string, RunResult>();
  for (const entryId of before) results.set(entryId, { id: entryId, status: "committed", outcome: "fenced" });
  for (const result of await resultsOf(processed, services)) results.set(result.id, result);
  return { invocation: id, results: entries.flatMap((entry) => results.get(entry.id) ?? []) };
}

/** The function's binding to the stream, for an invocation. @throws Error when it has none to that stream */
export function functionBinding(
  request: Pick<RunRequest, "functionName" | "stream">,
  services: Services,
  options: BindingOptions,
): Binding {
  const found = bindingTo(request, services, options);
  if (found === undefined) throw new Error(`${request.functionName} does not work on ${request.stream}`);
  return found;
}

/** The entries with an id each: those without are taken as added now, one after the other. */
export function withIds(posted: readonly PostedEntry[], now: number): Entry[] {
  const given = new Set(posted.map(({ id }) => id));
  let sequence = 0;
  const next = (): string => {
    const id = `${now}-${sequence}`;
    sequence += 1;
    return given.has(id) ? next() : id;
  };
  return posted.map(({ id = next(), fields }) => ({ id, fields }));
}

async function processOnce(
  binding: Binding,
  entries: readonly Entry[],
  invocation: string,
  services: Services,
): Promise<readonly ProcessedEntry[]> {
  const msMax = limitOf(binding);
  const deps = onDemandDeps(services, { msMax });
  const fence = { kind: "once", invocation } as const;
  const { processed, stoppedBy } = await processBatch(binding, entries, deps, { deliveries: 1, fence });
  if (stoppedBy === undefined) return processed;
  if (!(stoppedBy instanceof UnavailableError) && !deps.abort.aborted) throw stoppedBy;
  const why = stoppedBy instanceof UnavailableError ? stoppedBy.message : `it took longer than ${msMax} ms`;
  const repeat = "the same call again, with the same `invocation` and ids, does the rest";
  throw new UnavailableError(`${why}; what was committed until then stays, and ${repeat}`, {
    cause: stoppedBy,
  });
}

/** Longest time for the whole, in ms: what was begun in time is finished and committed. */
function limitOf(binding: Binding): number {
  return RUN_MS_MAX + finishMsOf([binding]);
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
  const uids = processed.flatMap((each) => duplicateUid(each) ?? []);
  const holders = await holdersOf(redis, keys, uids);
  return processed.map((each): RunResult => {
    if (each.status === "left") return each;
    const { id, status, outcome, result } = each;
    if (result.status === "dead") {
      const error = `${result.reason}: ${result.error}`;
      return { id, status, outcome, ...(outcome === "fenced" ? {} : { error }) };
    }
    const uid = duplicateUid(each);
    const decision =
      uid === undefined ? committedDecision(each) : duplicateRecord(result.effects, holders.get(uid));
    return { id, status, outcome, ...(decision === undefined ? {} : { decision }) };
  });
}

/** The uid an entry turned out to be a duplicate of. */
function duplicateUid(processed: ProcessedEntry): string | undefined {
  if (processed.status === "left" || processed.outcome !== "duplicate") return undefined;
  return processed.result.status === "done" ? processed.result.effects.claim?.uid : undefined;
}
