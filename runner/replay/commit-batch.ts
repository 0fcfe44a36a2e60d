import type { Entry } from "../../shared/entry.ts";
import { messageOf, toError } from "../../shared/error-message.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionOf, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import type { Binding } from "../engine/binding.ts";
import { committedDecision, duplicateUids } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessedEntry } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { ReplayDeps } from "./request.ts";

/** What a writing replay has done with a batch: decided and committed it, or a part of it before a failure. */
export interface CommittedBatch {
  readonly processed: ReadonlyMap<string, ProcessedEntry>;
  /** The holding entry, by uid, for each uid that its duplicates tried to claim. */
  readonly holders: ReadonlyMap<string, string>;
  /** What stopped it; as far as is known, entries that are not in `processed` were not committed. */
  readonly failure?: Error;
}

/** Redis did not answer a commit in time, so it may or may not have happened. */
export class Unconfirmed extends UnavailableError {}

type BatchDeps = Pick<ReplayDeps, "redis" | "keys" | "commit" | "clock" | "events">;

export interface BatchOptions {
  /** Of all commits under this name, only one acts on an entry. */
  readonly fence: string;
  /** Longest time for the batch, in ms; each answer of Redis has a limit of its own, well below the default. */
  readonly msMax?: number;
}

const BATCH_MS_MAX = 30_000;

/** Decides and commits entries; the answer has what was committed even when something fails later. */
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
    const uids = outcome.processed.flatMap((each) => duplicateUids(each));
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
  const record = committedDecision(processed, holders);
  return record === undefined ? null : decisionOf(record);
}

/** When the time is up, the last failure before that says more. */
function failureOf(error: unknown, lastFailure: unknown): Error {
  if (error instanceof UnavailableError) return error;
  if (lastFailure === undefined) return toError(error);
  const unknown = "what is left may have been committed all the same: signal_log will say";
  return new Unconfirmed(`${messageOf(lastFailure)}; ${unknown}`);
}
