import {
  PermanentError,
  type AnyStrategyHandler,
  type PlanningHandler,
  type StrategyOutcome,
  type StrategyPlan,
  type StrategyRun,
  type StrategyTask,
} from "../../shared/strategy.ts";

/** Runs a handler once: its own `run`, or its plan, which is done exactly as a dry run shows it. */
export async function act(
  handler: AnyStrategyHandler,
  task: StrategyTask<never, never>,
  world: Pick<StrategyRun<never, never>, "abort" | "log" | "post">,
): Promise<StrategyOutcome> {
  if (handler.plan === undefined) return handler.run({ ...task, ...world });
  const plan = planOf(handler, task);
  if ("post" in plan) return plan.outcome(await world.post({ ...plan.post, abort: world.abort }));
  const { log, ...outcome } = plan;
  if (log !== undefined) world.log(log);
  return outcome;
}

/** The plan of a handler for a task, which is never waited for. @throws what the handler throws, and PermanentError for a promise */
export function planOf(handler: PlanningHandler, task: StrategyTask<never, never>): StrategyPlan {
  const made: unknown = handler.plan(task);
  if (!(made instanceof Promise)) return made as StrategyPlan;
  // It may reject later, which would end the process.
  made.catch(() => undefined);
  throw new PermanentError(
    `the plan of handler ${handler.name} is async, and a plan waits for nothing: expected \`plan\` without async, or \`run\` in its place`,
    "invalid_outcome",
  );
}
