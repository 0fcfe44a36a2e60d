import type { Commit } from "../../shared/commit.ts";
import type { Entry } from "../../shared/entry.ts";
import { messageOf, toError } from "../../shared/error-message.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionOf, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import type { Binding } from "../engine/binding.ts";
import { committedDecision } from "../engine/committed-record.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessedEntry } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { type FailureReporter } from "../telemetry/failure-reporter.ts";
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

/** Decides and commits entries; knows what was committed also when something fails after it. */
export async function commitBatch(
  binding: Binding,
  entries: readonly Entry[],
  deps: BatchDeps,
  { fence, msMax = BATCH_MS_MAX }: BatchOptions,
): Promise<CommittedBatch> {
  const processed = new Map<string, ProcessedEntry>();
  let holders: ReadonlyMap<string, string> = new Map();
  let reporter: unknown;
  const told: FailureReporter = {
    failed: (error) => {
      // That the time is up is told as well.
      if (!(error instanceof DOMException)) reporter = error;
    },
    recovered: () => undefined,
  };
  try {
    const workDeps = onDemandDeps(
      { ...deps, commit: noting(processed, deps.commit) },
      { reporter: told, msMax },
    );
    const options = {
      deliveries: 1,
      after: Promise.resolve(),
      fence: { kind: "once", invocation: fence },
    } as const;
    for (const each of await processBatch(binding, entries, workDeps, options)) processed.set(each.id, each);
    const uids = [...processed.values()].filter(isDuplicate).flatMap((each) => claimedBy(each) ?? []);
    holders = await holdersOf(deps.redis, deps.keys, uids);
    const left = [...processed.values()].find((each) => each.status === "left");
    if (left === undefined) return { processed, holders };
    return { processed, holders, failure: new Error(`entry ${left.id} was left: ${left.error}`) };
  } catch (error) {
    return { processed, holders, failure: failureOf(error, reporter) };
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

/** The commit, noting what each call has done as soon as it is known. */
function noting(processed: Map<string, ProcessedEntry>, commit: Commit): Commit {
  return async (items, options) => {
    const parts = await commit(items, options);
    for (const { items: committed, answer } of parts) {
      if (answer.status !== "committed") continue;
      for (const [i, { id, effects }] of committed.entries()) {
        const outcome = answer.outcomes[i];
        if (outcome === undefined) continue;
        processed.set(id, { id, status: "committed", outcome, result: { id, status: "done", effects } });
      }
    }
    return parts;
  };
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
function failureOf(error: unknown, reporter: unknown): Error {
  if (error instanceof UnavailableError) return error;
  if (reporter === undefined) return toError(error);
  const unknown = "what is left may have been committed all the same: signal_log will say";
  return new Unconfirmed(`${messageOf(reporter)}; ${unknown}`);
}
