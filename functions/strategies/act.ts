import type {
  AnyStrategyHandler,
  StrategyOutcome,
  StrategyRun,
  StrategyTask,
} from "../../shared/strategy.ts";

/** Runs a handler once: its own `run`, or its plan, which is done exactly as a dry run shows it. */
export async function act(
  handler: AnyStrategyHandler,
  task: StrategyTask<never, never>,
  world: Pick<StrategyRun<never, never>, "abort" | "log" | "post">,
): Promise<StrategyOutcome> {
  if (handler.plan === undefined) return handler.run({ ...task, ...world });
  const plan = handler.plan(task);
  if ("post" in plan) return plan.outcome(await world.post({ ...plan.post, abort: world.abort }));
  const { log, ...outcome } = plan;
  if (log !== undefined) world.log(log);
  return outcome;
}
