import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../shared/error-message.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { sharesOf, withinBudget, type Budget } from "../consume/budget.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { failureReporter, type FailureReporter } from "../telemetry/failure-reporter.ts";
import { partsOf, refreshPart, type Part, type PartOutcome, type TickDeps } from "./tick-parts.ts";

/**
 * What became of one part of a round. `not_due`: there was nothing to do yet · `skipped`: no time was left for it · `failed`:
 * some of it, or all, did not work; `result` says what did.
 */
export interface TickPart extends Pick<Part, "part" | "functionName">, Pick<PartOutcome, "result" | "error"> {
  readonly status: "done" | "not_due" | "skipped" | "failed";
  readonly tookMs: number;
}

/** One round of everything a router does. A part that fails never makes it reject. */
export type Tick = (budget: Budget) => Promise<readonly TickPart[]>;

/** Signals should be decided on the latest reference, but a Postgres that hangs does not hold them up for longer, in ms. */
const REFRESH_AWAITED_MS = 2_000;

/**
 * The rounds of one process, called by a scheduler: refresh when it is due, reclaim, drain every group of FUNCTIONS, trim and
 * prune. Rounds at the same time, in one process or several, do not disturb each other.
 */
export function tickOf(deps: TickDeps): Tick {
  const { services } = deps;
  const { clock, events, routing } = services;
  const reporters = new Map<string, FailureReporter>();

  function troubleWith({ part, functionName }: Part): FailureReporter {
    const name = [part, functionName].join(" ").trim();
    const reporter =
      reporters.get(name) ?? failureReporter(events, { source: "tick", what: `${name} failed` });
    reporters.set(name, reporter);
    return reporter;
  }

  async function runPart(part: Part, budget: Budget): Promise<TickPart> {
    const { part: name, functionName } = part;
    const said = functionName === undefined ? { part: name } : { part: name, functionName };
    if (budget.leftMs() === 0) return { ...said, status: "skipped", tookMs: 0 };
    const startedAt = performance.now();
    const { status = "done", ...outcome } = await withinBudget(
      budget,
      { what: name, works: part.works ?? [] },
      part.run(budget),
    ).catch((error: unknown): PartOutcome => ({ error: publicMessage(error, services) }));
    if (outcome.error === undefined) troubleWith(part).recovered();
    else troubleWith(part).failed(outcome.error);
    const tookMs = Math.round(performance.now() - startedAt);
    return { ...said, status: outcome.error === undefined ? status : "failed", tookMs, ...outcome };
  }

  /** In an array, since a promise that is returned by itself would be awaited. */
  async function refreshFirst(refresh: Part, budget: Budget): Promise<Promise<TickPart>[]> {
    const refreshing = runPart(refresh, budget);
    const decidable = !("status" in (await routing.get()));
    const msMax = decidable ? Math.min(REFRESH_AWAITED_MS, budget.half().leftMs()) : undefined;
    await Promise.race([
      refreshing,
      ...(msMax === undefined ? [] : [pause(msMax, undefined, { ref: false })]),
    ]);
    return [refreshing];
  }

  return async (budget) => {
    await clock.sample();
    const refresh = refreshPart(deps);
    const refreshing = refresh === undefined ? [] : await refreshFirst(refresh, budget);
    const running: Promise<TickPart>[] = [];
    for (const [part, share] of sharesOf(partsOf(deps), budget)) {
      const one = runPart(part, share);
      running.push(one);
      // What it has in flight then is finished beside the next parts, so that slow strategies do not hold up the log.
      await Promise.race([one, pause(share.leftMs(), undefined, { ref: false })]);
    }
    return Promise.all([...refreshing, ...running]);
  };
}

/** What the caller may know of an error; of an unexpected one, only the router's own log has more. */
function publicMessage(error: unknown, { redis, logger }: Services): string {
  const expected = [UnavailableError, DatabaseError];
  if (expected.some((kind) => error instanceof kind)) return messageOf(error);
  if (redis.status !== "ready") return "Redis does not answer";
  logger.error({ err: error }, `tick: ${messageOf(error)}`);
  return "something went wrong that should not have; the router's log says what";
}
