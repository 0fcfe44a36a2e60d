import { collectOutcomes } from "../../functions/collect-outcomes.ts";
import { isHeldBy, uidsOf } from "../../shared/claim.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import type { Entry } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { Effects, Result } from "../../shared/function.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import { decisionRecordIn, duplicateRecord } from "../../shared/published-record.ts";
import type { SignalRecord } from "../../shared/records.ts";
import { parseTask } from "../../shared/task.ts";
import { ownTaskOf } from "../../shared/worker-report.ts";
import type { Binding } from "../engine/binding.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { functionBinding, withIds, type PostedEntries } from "./posted-entries.ts";
import { previewTasks, type TaskPreview } from "./preview-tasks.ts";

/**
 * Shows what a function would do with posted entries now, and changes nothing; undefined when the function has no dry run.
 * @throws UnavailableError when something it needs is unavailable
 */
export async function dryRunEntries(
  request: PostedEntries,
  services: Services,
): Promise<readonly DryRunResult[] | undefined> {
  const { functionName, invocation = NO_INVOCATION } = request;
  const dryRun = DRY_RUNS[functionName];
  if (dryRun === undefined) return undefined;
  await services.clock.sample();
  const entries = withIds(request.entries, services.clock.now());
  return dryRun(entries, functionBinding(request, services, { invocation }), services);
}

/** `effects` and `decision` as they would be committed, or why the entry would become a dead letter. */
export interface DryRunResult {
  readonly id: string;
  readonly status: Result["status"];
  /** `duplicate`: another entry holds the uid, here or in Redis; `held`: this entry does, so nothing would happen. */
  readonly outcome?: "applied" | "duplicate" | "held";
  readonly decision?: SignalRecord;
  readonly effects?: Effects;
  /** What the strategy of a task would do, and what would stop it. */
  readonly task?: TaskPreview;
  /** Of a task, the first thing that would stop it. */
  readonly reason?: string;
  readonly error?: string;
}

type DryRun = (entries: readonly Entry[], binding: Binding, services: Services) => Promise<DryRunResult[]>;

/** Functions that can tell what they would do without doing it. */
const DRY_RUNS: Partial<Record<FunctionName, DryRun>> = {
  "process-signals": decideOnly,
  "persist-log": parseOnly,
  "collect-outcomes": collectOnly,
  "execute-strategies": previewRuns,
};

/** Stands for the invocation in records that are never published. */
const NO_INVOCATION = "dry-run";

/** `process-signals` is pure: its dry run is to call it. Which entry would win each uid is looked up. */
async function decideOnly(
  entries: readonly Entry[],
  binding: Binding,
  services: Services,
): Promise<DryRunResult[]> {
  // Without a commit, nothing would notice that the cached snapshot is outdated.
  binding.invalidate();
  const results: Result[] = [];
  for await (const answer of binding.run(entries)) {
    if (answer.status === "unavailable") throw UnavailableError.from(answer);
    results.push(...answer.results);
  }
  const uids = results.flatMap((result) =>
    result.status === "done" && result.effects.claim !== undefined ? uidsOf(result.effects.claim) : [],
  );
  const holders = await holdersOf(services.redis, services.keys, uids);
  const claims = new SimulatedClaims();
  return results.map((result) => claimedResult(result, holders, claims));
}

/** The result as it would be after the claim of its uids. */
function claimedResult(
  result: Result,
  holders: ReadonlyMap<string, string>,
  claims: SimulatedClaims,
): DryRunResult {
  if (result.status !== "done") return result;
  const { id, status, effects } = result;
  const { claim } = effects;
  if (claim !== undefined && isHeldBy(id, claim, holders)) return { id, status, outcome: "held", effects };
  const holder = claim && claims.holderBefore(claim, id, holders);
  const isLost = holder !== undefined;
  if (claim !== undefined && !isLost) claims.claim(claim, id);
  const decision = isLost ? duplicateRecord(effects, holder) : decisionRecordIn(effects);
  const outcome = isLost ? "duplicate" : "applied";
  return { id, status, outcome, ...(decision === undefined ? {} : { decision }), effects };
}

/** `persist-log`: whether each entry is a record. Whether Postgres would accept it is not known before. */
async function parseOnly(entries: readonly Entry[], { stream }: Binding): Promise<DryRunResult[]> {
  return entries.map(({ id, fields }): DryRunResult => {
    const parsed = logRowsOf({ id, fields }, stream === "system_events" ? "system_events" : "signal_results");
    if (parsed.ok) return { id, status: "done" };
    return { id, status: "dead", reason: "invalid_record", error: parsed.error };
  });
}

/** `collect-outcomes` is pure, too. */
async function collectOnly(entries: readonly Entry[], { stream }: Binding): Promise<DryRunResult[]> {
  const errors = new Map<string, string>();
  const onUnreadable = (id: string, error: string): void => void errors.set(id, error);
  return collectOutcomes(entries, { stream, onUnreadable }).map((result): DryRunResult => {
    const error = errors.get(result.id);
    return error === undefined ? result : { id: result.id, status: result.status, error };
  });
}

/** `execute-strategies`: what each task's strategy would do, as far as its handler can say, and what would stop it. */
async function previewRuns(
  entries: readonly Entry[],
  binding: Binding,
  services: Services,
): Promise<DryRunResult[]> {
  binding.invalidate();
  const context = await services.routing.get();
  if ("status" in context) throw UnavailableError.from(context);
  const parsed = entries.map((entry) => ({ entry, answer: parseTask(entry) }));
  const tasks = parsed.flatMap(({ answer }) => (answer.ok ? [answer.task] : []));
  const previews = await previewTasks(tasks, context, services);
  const previewOf = new Map(tasks.map(({ id }, at) => [id, previews[at]]));
  return parsed.map(({ entry, answer }): DryRunResult => {
    const { id } = entry;
    if (!answer.ok && ownTaskOf(entry, "strategy_input_stream") !== undefined) return { id, status: "done" };
    if (!answer.ok) return { id, status: "dead", reason: "invalid_task", error: answer.error };
    const task = previewOf.get(id);
    const [stop] = task?.stops ?? [];
    return {
      id,
      status: "done",
      ...(stop === undefined ? {} : { reason: stop.reason, error: stop.text }),
      ...(task === undefined ? {} : { task }),
    };
  });
}
