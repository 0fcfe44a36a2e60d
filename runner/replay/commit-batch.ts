import type { Entry } from "../../shared/entry.ts";
import { messageOf, toError } from "../../shared/error-message.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionOf, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import type { Binding } from "../engine/binding.ts";
import { committedDecision } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessedEntry } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { ReplayDeps } from "./request.ts";

/** What became of a batch. */
export interface CommittedBatch {
  readonly processed: ReadonlyMap<string, ProcessedEntry>;
  /** The entries that hold what its duplicates tried to claim, by that. */
  readonly holders: ReadonlyMap<string, string>;
  /** What stopped it; entries that are not in `worked` were not committed, as far as is known. */
  readonly failure?: Error;
}

/** Redis did not answer a commit in time, so it may have happened all the same. */
export class Unconfirmed extends UnavailableError {}

type BatchDeps = Pick<ReplayDeps, "redis" | "keys" | "commit" | "clock" | "events">;

export interface BatchOptions {
  /** Of all commits under this name, one acts on an entry. */
  readonly fence: string;
  /** Longest time for the whole; Redis' answers have limits of their own, well below the default. */
  readonly msMax?: number;
}

const BATCH_MS_MAX = 30_000;

/** Decides and commits entries; gives what was committed also when something fails after it. */
export async function commitBatch(
  binding: Binding,
  entries: readonly Entry[],
  deps: BatchDeps,
  { fence, msMax = BATCH_MS_MAX }: BatchOptions,
): Promise<CommittedBatch> {
  const onDemand = onDemandDeps(deps, { msMax });
  const options = { deliveries: 1, fence: { kind: "once", invocation: fence } } as const;
  const outcome = await processBatch(binding, entries, onDemand, options);
  const processed = new Map(outcome.processed.map((each) => [each.id, each]));
  const batch = { processed, holders: new Map<string, string>() };
  if (outcome.stoppedBy !== undefined) {
    return { ...batch, failure: failureOf(outcome.stoppedBy, onDemand.lastFailure()) };
  }
  try {
    const uids = outcome.processed.filter(isDuplicate).flatMap((each) => claimedBy(each) ?? []);
    const holders = await holdersOf(deps.redis, deps.keys, uids);
    const left = outcome.processed.find((each) => each.status === "left");
    if (left === undefined) return { processed, holders };
    return { processed, holders, failure: new Error(`entry ${left.id} was left: ${left.error}`) };
  } catch (error) {
    return { ...batch, failure: failureOf(error, onDemand.lastFailure()) };
  }
}

/** The decision that was committed for an entry; null when none was. */
export function replayDecision(
  processed: ProcessedEntry,
  { holders }: Pick<CommittedBatch, "holders">,
): ReplayDecision | null {
  const record = committedDecision(processed);
  if (record === undefined) return null;
  const decision = decisionOf(record);
  if (!isDuplicate(processed)) return decision;
  return { ...decision, duplicate_of: holders.get(claimedBy(processed) ?? "") ?? null };
}

/** The uid an entry was to claim, as the claim has it. */
function claimedBy(processed: ProcessedEntry): string | undefined {
  if (processed.status === "left" || processed.result.status !== "done") return undefined;
  return processed.result.effects.claim?.uid;
}

function isDuplicate(processed: ProcessedEntry): boolean {
  return processed.status === "committed" && processed.outcome === "duplicate";
}

/** When the time is up, what went wrong until then says more. */
function failureOf(error: unknown, lastFailure: unknown): Error {
  if (error instanceof UnavailableError) return error;
  if (lastFailure === undefined) return toError(error);
  const unknown = "what is left may have been committed all the same: signal_log will say";
  return new Unconfirmed(`${messageOf(lastFailure)}; ${unknown}`);
}
