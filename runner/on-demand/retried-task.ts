import { chooseHandler } from "../../functions/strategies/choose-handler.ts";
import { tickerStops } from "../../functions/task-stops.ts";
import { permissionFor } from "../../shared/decide/execution.ts";
import { taskAppend } from "../../shared/executions/logged-task.ts";
import { refusedNow, unusableNow } from "../../shared/executions/refused-now.ts";
import type { TaskState } from "../../shared/executions/retry-verdict.ts";
import { sharedFields, type Append } from "../../shared/function.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { parseTask } from "../../shared/task.ts";
import type { RoutingContext } from "../bindings/routing-context.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { RetryRefused } from "./retry-state.ts";

/** A task that is to be run again, by whom and why. */
export interface TaskRetryRequest {
  readonly task: TaskState;
  /** Its age counts from the retry. */
  readonly allowStale: boolean;
  readonly by: string;
  readonly reason: string;
}

/** What a retry is decided on. */
export interface RetryMoment {
  /** By Redis' clock, milliseconds since 1970. */
  readonly now: number;
  readonly context: RoutingContext;
}

/** The moment now. @throws UnavailableError */
export async function retryMoment({ routing, redis }: Services): Promise<RetryMoment> {
  const context = await routing.latest();
  if ("status" in context) throw UnavailableError.from(context);
  return { context, now: await readTime(redis) };
}

/**
 * The task as it is put into the stream again. @throws RetryRefused when the strategy as it is now would not run it, or the log
 * lacks what it is made of
 */
export function retriedTask(
  { task, allowStale }: TaskRetryRequest,
  { now, context: { snapshot, control } }: RetryMoment,
  { retry, handlers, config }: Pick<Services, "handlers" | "config"> & { readonly retry: string },
): Append {
  const strategy = snapshot.strategies.get(task.strategyId)?.name ?? task.strategy ?? "";
  const again = taskAppend(task, { retry, strategy, retriedAt: allowStale ? now : undefined });
  if (again === undefined) throw incomplete(task, "a column, or the row of its invocation, is missing");
  const parsed = parseTask({ id: task.entryId, fields: { ...again.each?.[0], ...sharedFields(again) } });
  if (!parsed.ok) throw incomplete(task, parsed.error);
  const { signalAgeMsMax } = config;
  const deciding = { snapshot, control, now, signalAgeMsMax };
  const permission = permissionFor(parsed.task, deciding);
  if (!permission.run) throw new RetryRefused(refusedNow(permission, task));
  // A run does not ask this: the decision has. Here that was made long ago.
  const [stop] = tickerStops(parsed.task, permission.strategy, deciding);
  if (stop !== undefined) throw new RetryRefused(unusableNow(stop.text, task));
  const chosen = chooseHandler(permission.strategy, handlers);
  if (!chosen.ok) throw new RetryRefused(unusableNow(chosen.fault, task));
  return again;
}

function incomplete({ entryId }: TaskState, what: string): RetryRefused {
  const why = `the task cannot be made again from what the log has about entry ${entryId}: ${what}`;
  const hint = "replay the signal by force for this strategy";
  return new RetryRefused({ code: "incomplete_log", why, hint });
}
