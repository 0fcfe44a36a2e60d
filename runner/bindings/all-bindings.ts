import type { Config } from "../../shared/config/config.ts";
import type { Binding, BindingOptions } from "../engine/binding.ts";
import type { ExecutionDeps } from "./execution-binding.ts";
import { logBinding, type LogBindingDeps } from "./log-binding.ts";
import { manualExecutionBinding } from "./manual-execution-binding.ts";
import { reportBinding } from "./report-binding.ts";
import { signalBinding, type SignalBindingDeps } from "./signal-binding.ts";

/** This room binds each function to the group it reads and to the ports it needs, so that the rooms above need only a binding. */
export interface BindingDeps extends SignalBindingDeps, ExecutionDeps, LogBindingDeps {
  readonly config: Config;
}

/** Every function that takes entries, with every stream it works on. */
export function allBindings(deps: BindingDeps, options: BindingOptions = {}): readonly Binding[] {
  return [
    signalBinding(deps, options),
    manualExecutionBinding(deps, options),
    logBinding("signal_results", deps),
    logBinding("system_events", deps),
    ...deps.keys.outcomeStreams.map((stream) => reportBinding(stream, deps)),
  ];
}

/** Those of the functions that FUNCTIONS names: what this process is there for. */
export function configuredBindings(deps: BindingDeps): readonly Binding[] {
  return allBindings(deps).filter(({ functionName }) => deps.config.functions.includes(functionName));
}

/** The function's binding to one stream; undefined when it has none. */
export function bindingTo(
  { functionName, stream }: { readonly functionName: string; readonly stream: string },
  deps: BindingDeps,
  options: BindingOptions = {},
): Binding | undefined {
  return allBindings(deps, options).find(
    (binding) => binding.functionName === functionName && binding.stream === stream,
  );
}
