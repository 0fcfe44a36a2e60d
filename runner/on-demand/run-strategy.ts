import { randomUUID } from "node:crypto";
import { tickerStops } from "../../functions/task-stops.ts";
import { directionText } from "../../shared/direction-text.ts";
import { isInvocationLogged } from "../../shared/io/log/known-invocation.ts";
import { reservedRun, reserveRun, type ReservedRun } from "../../shared/io/streams/reserved-runs.ts";
import type { OutcomeRecord } from "../../shared/records.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { idempotencyKeyOf, parseTask, type Task } from "../../shared/task.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../engine/shadow-refused.ts";
import type { Services } from "../setup/services.ts";
import { manualTask, type ManualRefusal, type ManualRequest, type ManualTask } from "./manual-task.ts";
import { previewTasks, type TaskPreview } from "./preview-tasks.ts";
import { runEntries } from "./run-entries.ts";

/** One strategy, run because a person asks for it: first what it would do, then for real, as an invocation of its own. */

/** What a run would do now, and what would stop it; changes nothing. */
export async function previewRun(
  request: ManualRequest,
  services: Services,
): Promise<PreviewedRun | ManualRefusal> {
  const { invocation = randomUUID() } = request;
  const prepared = await prepare(request, invocation, services);
  if ("code" in prepared) return prepared;
  const { preview, task } = prepared;
  if (preview.no_dry_run === undefined || preview.stops.length > 0) return { invocation, task, preview };
  return {
    status: 409,
    code: "no_dry_run",
    detail: preview.no_dry_run,
    hint: "functions/strategies/README.md says how a handler gets one; `for_real` with a `reason` runs it",
  };
}

export interface PreviewedRun {
  readonly invocation: string;
  readonly task: Task;
  readonly preview: TaskPreview;
}

/**
 * Runs the strategy once. The run has a uid and an idempotency key of its own, so no signal is a duplicate of it, and it of none.
 * The same call again with the same invocation runs it only if the first did not. @throws UnavailableError, ShadowRefused
 */
export async function runForReal(
  request: ManualRequest & RunRecord,
  services: Services,
): Promise<DoneRun | ManualRefusal> {
  if (services.config.shadow) throw new ShadowRefused(RUNS_NO_TASKS);
  const { invocation = randomUUID() } = request;
  const prepared = await prepare(request, invocation, services);
  if ("code" in prepared) return prepared;
  const { stops } = prepared.preview;
  if (stops.length > 0) return refusedBy(stops, prepared);
  const reserved = await reserve({ request, invocation, prepared }, services);
  if ("code" in reserved) return reserved;
  const { entry } = reserved;
  const { strategy_id, strategy, symbol, direction, side } = entry.fields;
  const { results } = await runEntries(
    {
      functionName: "execute-strategies",
      stream: "strategy_input_stream",
      entries: [entry],
      invocation,
      requestedBy: request.by,
      reason: request.reason,
      selection: { strategy_id: Number(strategy_id), strategy, symbol, direction, ...(side && { side }) },
    },
    services,
  );
  const [result] = results;
  if (result?.outcome === "fenced")
    return invocationUsed(invocation, "it has been run already, and was not run again");
  const { execution } = result ?? {};
  if (execution === undefined) {
    const why = result?.error ?? "it came to nothing";
    throw new UnavailableError(`${why}: repeat it with the invocation ${invocation}`);
  }
  const task = taskIn(entry);
  const done = {
    invocation,
    task,
    execution,
    ...(result?.error === undefined ? {} : { deadLetter: result.error }),
  };
  publishRun(done, request, services);
  return done;
}

export interface RunRecord {
  readonly by: string;
  readonly reason: string;
}

/** A run that has ended, and is recorded. */
export interface DoneRun {
  readonly invocation: string;
  readonly task: Task;
  readonly execution: OutcomeRecord;
  /** Why it became a dead letter; absent when it did not. */
  readonly deadLetter?: string;
}

interface Prepared extends ManualTask {
  readonly task: Task;
  readonly preview: TaskPreview;
}

async function prepare(
  request: ManualRequest,
  invocation: string,
  services: Services,
): Promise<Prepared | ManualRefusal> {
  const { clock, routing, config } = services;
  await clock.sample();
  const context = await routing.latest();
  if ("status" in context) throw UnavailableError.from(context);
  const made = manualTask(request, { snapshot: context.snapshot, now: Math.round(clock.now()), invocation });
  if ("code" in made) return made;
  const task = taskIn(made.entry);
  const [preview] = await previewTasks([task], context, services);
  if (preview === undefined) throw new Error("a task was not previewed");
  const deciding = { ...context, now: clock.now(), signalAgeMsMax: config.signalAgeMsMax };
  const stops = [...preview.stops, ...tickerStops(task, made.strategy, deciding)];
  return { ...made, task, preview: { ...preview, stops } };
}

function taskIn(entry: ManualTask["entry"]): Task {
  const parsed = parseTask(entry);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.task;
}

function refusedBy(stops: TaskPreview["stops"], { strategy }: ManualTask): ManualRefusal {
  return {
    status: 409,
    code: "run_refused",
    detail: `${strategyLabel(strategy.id, strategy.name)} was not run: ${stops.map(({ text }) => text).join("; ")}`,
    hint: "correct what `issues` names, and ask again",
    issues: stops.map(({ reason, text }) => ({ path: reason, message: text })),
  };
}

interface Reservation {
  readonly request: ManualRequest;
  readonly invocation: string;
  readonly prepared: Prepared;
}

/** The run that the invocation is for: this one, or an earlier call's that asked for the same. */
async function reserve(
  { request, invocation, prepared }: Reservation,
  { redis, keys, config, database }: Services,
): Promise<ReservedRun | ManualRefusal> {
  const { symbol, direction, side, time = null, signalId = null, extra = null } = request;
  const parts = [prepared.strategy.id, symbol, direction, time, signalId, extra];
  const asked = JSON.stringify(side === undefined ? parts : [...parts, side]);
  const run = { asked, entry: prepared.entry };
  const reserved = async () => reservedRun(redis, keys, invocation);
  // Before it is reserved: a reservation means that the invocation is this run's. A call at the same time may have run it.
  const isOthers =
    request.invocation !== undefined &&
    (await reserved()) === undefined &&
    (await isInvocationLogged(database, invocation)) === true &&
    (await reserved()) === undefined;
  if (isOthers) return invocationUsed(invocation, "it is in the log already");
  const before = await reserveRun(redis, keys, { invocation, run, ttlMs: config.dedupTtlMs });
  if (before === undefined) return run;
  return before.asked === asked ? before : invocationUsed(invocation, "it is of another run");
}

function invocationUsed(invocation: string, why: string): ManualRefusal {
  const detail = `the invocation ${invocation} cannot be used: ${why}`;
  return { status: 409, code: "invocation_used", detail, hint: "give another `invocation`, or none" };
}

function publishRun(
  { invocation, task, execution, deadLetter }: DoneRun,
  { by, reason }: RunRecord,
  { events }: Services,
): void {
  const { strategyId, strategy, symbol, direction, side, entryId } = task;
  const { status, reason: why } = execution;
  const came = why === null ? status : `${status}: ${why}`;
  events.publish({
    level: "INFO",
    source: "strategy-run",
    message: `${strategyLabel(strategyId, strategy)} was run by ${by}, ${directionText(direction, side)} on ${symbol}: ${came} (${reason})`,
    details: {
      strategy_id: strategyId,
      strategy,
      symbol,
      direction,
      ...(side === null ? {} : { side }),
      by,
      reason,
      invocation,
      entry_id: entryId,
      idempotency_key: idempotencyKeyOf(task),
      status,
      ...(deadLetter === undefined ? {} : { dead_letter: deadLetter }),
    },
  });
}
