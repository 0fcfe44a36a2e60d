import type { Commit } from "../../shared/commit.ts";
import type { Entry } from "../../shared/entry.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionOf, type ReplayDecision } from "../../shared/replay/replay-decision.ts";
import type { Binding } from "../engine/binding.ts";
import { decisionMade } from "../engine/committed-record.ts";
import { byHand } from "../engine/on-demand-deps.ts";
import { work, type Worked } from "../engine/process-batch.ts";
import { NotNow } from "../engine/retry-until-stopped.ts";
import { messageOf } from "../telemetry/error-message.ts";
import { type Trouble } from "../telemetry/failure-reporter.ts";
import type { ReplayDeps } from "./request.ts";

/** What became of a batch. */
export interface CommittedBatch {
  readonly worked: ReadonlyMap<string, Worked>;
  /** The entries that hold what its duplicates tried to claim, by that. */
  readonly holders: ReadonlyMap<string, string>;
  /** What stopped it; entries that are not in `worked` were not committed, as far as is known. */
  readonly failure?: Error;
}

/** Redis did not answer a commit in time, so it may have happened all the same. */
export class Unconfirmed extends NotNow {}

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
  const worked = new Map<string, Worked>();
  let holders: ReadonlyMap<string, string> = new Map();
  let trouble: unknown;
  const told: Trouble = {
    failed: (error) => {
      // That the time is up is told as well.
      if (!(error instanceof DOMException)) trouble = error;
    },
    over: () => undefined,
  };
  try {
    const workDeps = byHand({ ...deps, commit: noting(worked, deps.commit) }, { trouble: told, msMax });
    const options = {
      deliveries: 1,
      after: Promise.resolve(),
      fence: { kind: "once", invocation: fence },
    } as const;
    for (const each of await work(binding, entries, workDeps, options)) worked.set(each.id, each);
    const uids = [...worked.values()].filter(isDuplicate).flatMap((each) => claimedBy(each) ?? []);
    holders = await holdersOf(deps.redis, deps.keys, uids);
    const left = [...worked.values()].find((each) => each.status === "left");
    if (left === undefined) return { worked, holders };
    return { worked, holders, failure: new Error(`entry ${left.id} was left: ${left.error}`) };
  } catch (error) {
    return { worked, holders, failure: failureOf(error, trouble) };
  }
}

/** The decision that was committed for an entry; null when none was. */
export function committedDecision(
  worked: Worked,
  { holders }: Pick<CommittedBatch, "holders">,
): ReplayDecision | null {
  const record = decisionMade(worked);
  if (record === undefined) return null;
  const decision = decisionOf(record);
  if (!isDuplicate(worked)) return decision;
  return { ...decision, duplicate_of: holders.get(claimedBy(worked) ?? "") ?? null };
}

/** The commit, noting what each call has done as soon as it is known. */
function noting(worked: Map<string, Worked>, commit: Commit): Commit {
  return async (items, options) => {
    const parts = await commit(items, options);
    for (const { items: committed, answer } of parts) {
      if (answer.status !== "committed") continue;
      for (const [i, { id, effects }] of committed.entries()) {
        const outcome = answer.outcomes[i];
        if (outcome === undefined) continue;
        worked.set(id, { id, status: "committed", outcome, result: { id, status: "done", effects } });
      }
    }
    return parts;
  };
}

/** The uid an entry was to claim, as the claim has it. */
function claimedBy(worked: Worked): string | undefined {
  if (worked.status === "left" || worked.result.status !== "done") return undefined;
  return worked.result.effects.claim?.uid;
}

function isDuplicate(worked: Worked): boolean {
  return worked.status === "committed" && worked.outcome === "duplicate";
}

/** When the time is up, what went wrong until then says more. */
function failureOf(error: unknown, trouble: unknown): Error {
  if (error instanceof NotNow) return error;
  if (trouble === undefined) return error instanceof Error ? error : new Error(messageOf(error));
  const unknown = "what is left may have been committed all the same: signal_log will say";
  return new Unconfirmed(`${messageOf(trouble)}; ${unknown}`);
}
