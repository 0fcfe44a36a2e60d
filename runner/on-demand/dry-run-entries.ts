import { chooseHandler } from "../../functions/strategies/choose-handler.ts";
import { permissionFor } from "../../shared/decide/execution.ts";
import type { Entry } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { Effects, Result } from "../../shared/function.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import type { SignalRecord } from "../../shared/records.ts";
import { parseTask } from "../../shared/task.ts";
import type { Binding } from "../engine/binding.ts";
import { decisionRecordIn, duplicateRecord } from "../engine/committed-record.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { SimulatedClaims } from "../engine/simulated-claims.ts";
import type { Services } from "../setup/services.ts";
import { functionBinding, withIds, type RunRequest } from "./run-entries.ts";

/** What would become of an entry: `effects` and `decision` as they would be committed, or why it would be given up on. */
export interface DryRunResult {
  readonly id: string;
  readonly status: Result["status"];
  /** `duplicate`: another entry holds the uid, here or in Redis; `held`: this very one does, so nothing would happen. */
  readonly outcome?: "applied" | "duplicate" | "held";
  readonly decision?: SignalRecord;
  readonly effects?: Effects;
  readonly reason?: string;
  readonly error?: string;
}

export type DryRunRequest = Pick<RunRequest, "functionName" | "stream" | "entries" | "invocation">;

type DryRun = (entries: readonly Entry[], binding: Binding, services: Services) => Promise<DryRunResult[]>;

/** Functions that can say what they would do without doing any of it. */
const DRY_RUNS: Partial<Record<FunctionName, DryRun>> = {
  "process-signals": decideOnly,
  "persist-log": readOnly,
  "execute-strategies": permitOnly,
};

/** Stands for the invocation in records that are never published. */
const NO_INVOCATION = "dry-run";

/**
 * What the function would make of the entries now, touching nothing; undefined when it cannot tell.
 * @throws NotNow when something that is needed is away
 */
export async function dryRun(
  request: DryRunRequest,
  services: Services,
): Promise<readonly DryRunResult[] | undefined> {
  const { functionName, invocation = NO_INVOCATION } = request;
  const run = DRY_RUNS[functionName];
  if (run === undefined) return undefined;
  await services.clock.sample();
  const entries = withIds(request.entries, services.clock.now());
  return run(entries, functionBinding(request, services, { invocation }), services);
}

/** `process-signals` is pure: calling it is the dry run. Who would win each uid is looked up. */
async function decideOnly(
  entries: readonly Entry[],
  binding: Binding,
  services: Services,
): Promise<DryRunResult[]> {
  // Nothing is committed, so nobody would notice that what this process remembers is outdated.
  binding.invalidate();
  const results = [];
  for await (const answer of binding.run(entries)) {
    if (answer.status === "unavailable") {
      throw new UnavailableError(`${answer.what} is not available (${answer.error})`);
    }
    results.push(...answer.results);
  }
  const uids = results.flatMap((result) =>
    result.status === "done" ? (result.effects.claim?.uid ?? []) : [],
  );
  const holders = await holdersOf(services.redis, services.keys, uids);
  const claims = new SimulatedClaims();
  return results.map((result): DryRunResult => {
    if (result.status !== "done") return result;
    const { id, effects } = result;
    const uid = effects.claim?.uid;
    if (uid !== undefined && holders.get(uid) === id) return { id, status: "done", outcome: "held", effects };
    const holder = uid === undefined ? undefined : claims.holderBefore(uid, id, holders);
    const lost = holder !== undefined;
    if (uid !== undefined && !lost) claims.claim(uid, id);
    const decision = lost ? duplicateRecord(effects, holder) : decisionRecordIn(effects);
    const outcome = lost ? "duplicate" : "applied";
    return { id, status: "done", outcome, ...(decision === undefined ? {} : { decision }), effects };
  });
}

/** `persist-log`: whether each entry is a record. What Postgres would say of it only Postgres knows. */
async function readOnly(entries: readonly Entry[], { stream }: Binding): Promise<DryRunResult[]> {
  return entries.map((entry): DryRunResult => {
    const { id } = entry;
    const parsed = logRowsOf(entry, stream === "system_events" ? stream : "signal_results");
    if (parsed.ok) return { id, status: "done" };
    return { id, status: "dead", reason: "invalid_record", error: parsed.error };
  });
}

/** `execute-strategies`: whether each task would be run now, or why it would not. What the run comes to nobody knows before. */
async function permitOnly(
  entries: readonly Entry[],
  binding: Binding,
  { routing, handlers, clock, config }: Services,
): Promise<DryRunResult[]> {
  binding.invalidate();
  const context = await routing.get();
  if ("status" in context) throw new UnavailableError(`${context.what} is not available (${context.error})`);
  const { signalAgeMsMax } = config;
  return entries.map((entry): DryRunResult => {
    const { id } = entry;
    const parsed = parseTask(entry);
    if (!parsed.ok) return { id, status: "dead", reason: "invalid_task", error: parsed.error };
    const permission = permissionFor(parsed.task, { ...context, now: clock.now(), signalAgeMsMax });
    if (!permission.run) return { id, status: "done", reason: permission.reason };
    const chosen = chooseHandler(permission.strategy, handlers);
    return chosen.ok
      ? { id, status: "done" }
      : { id, status: "done", reason: chosen.reason, error: chosen.fault };
  });
}
