import type { Config } from "../../shared/config/config.ts";
import type { DeadLetter } from "../../shared/dead-letter.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { BindingOptions, Binding } from "../engine/binding.ts";
import { type ExecutionDeps } from "./execution-binding.ts";
import { logBinding } from "./log-binding.ts";
import { manualExecutionBinding } from "./manual-execution-binding.ts";
import { type SignalBindingDeps, signalBinding } from "./signal-binding.ts";

export interface BindingDeps extends SignalBindingDeps, ExecutionDeps {
  readonly config: Config;
  readonly log: LogStore;
}

/** Every function with every stream it works on. */
export function allBindings(deps: BindingDeps, options: BindingOptions = {}): readonly Binding[] {
  return [
    signalBinding(deps, options),
    manualExecutionBinding(deps, options),
    logBinding("signal_results", deps.log),
    logBinding("system_events", deps.log),
  ];
}

/** What a dead letter was to be worked on by; undefined when this version has no such function for its stream. */
export function retryBinding(
  { functionName, stream, deliveries }: Pick<DeadLetter, "functionName" | "stream" | "deliveries">,
  invocation: string,
  deps: BindingDeps,
): Binding | undefined {
  return allBindings(deps, { invocation, whilePaused: "wait", attempt: deliveries + 1 }).find(
    (binding) => binding.functionName === functionName && binding.stream === stream,
  );
}
