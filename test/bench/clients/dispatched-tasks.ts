import type { Append, Result } from "../../../shared/function.ts";

/** The tasks of a decision, for clients that do without the commit: one append or none. */
export function dispatchedTasks(result: Result | undefined): Append | undefined {
  if (result?.status !== "done") throw new Error(`expected a decision, got the result ${result?.status}`);
  return result.effects.append.find(({ stream }) => stream === "strategy_input_stream");
}
