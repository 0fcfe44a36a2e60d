import { type ExecutePorts, executeStrategies } from "../../functions/execute-strategies.ts";
import type { BindingOptions, Binding } from "../engine/binding.ts";
import { checkedAnswers } from "./checked-answers.ts";
import {
  type ExecutionDeps,
  NEVER,
  commonPorts,
  lanesOf,
  heldAttempt,
  STREAM,
  GROUP,
  executionBinding,
} from "./execution-binding.ts";

/** `execute-strategies` by hand: entries nobody else holds, each run once, until `heldBy` says whose they are. */
export function manualExecutionBinding(
  deps: ExecutionDeps,
  { invocation, attempt = 1, whilePaused = "decide", stopping = NEVER }: BindingOptions,
): Binding {
  const ports: ExecutePorts = {
    ...commonPorts(deps),
    lanes: lanesOf(deps.config, stopping),
    stopping,
    abort: NEVER,
    ...(invocation === undefined ? {} : { invocation }),
    // No commit comes before the run, to refuse what was decided on others.
    claimAttempt: async () => {
      const context = await deps.routing.latest();
      return "status" in context ? context : heldAttempt(attempt, context, deps);
    },
    pause: async () => false,
    // Whoever asks can ask again.
    attemptsMax: 1,
  };
  return {
    functionName: "execute-strategies",
    stream: STREAM,
    group: GROUP,
    sideEffectMsMax: deps.config.strategyTimeoutMs,
    async *run(entries) {
      const context = await deps.routing.latest();
      if ("status" in context) yield context;
      else if (whilePaused === "wait" && context.control.allPaused)
        yield { status: "unavailable", what: "dispatching", error: "every strategy is paused" };
      else yield* checkedAnswers(entries, executeStrategies(entries, ports));
    },
    invalidate: () => deps.routing.invalidate(),
    asConsumer: (consumer, times) => executionBinding(deps, { consumer, ...times }),
  };
}
