import type { Append, Result } from "../../../shared/function.ts";

/** What a decision hands on to strategies, for those who have no commit: one append or none. */
export function tasksHandedOn(result: Result | undefined): Append | undefined {
  if (result?.status !== "done") throw new Error(`a signal was answered ${result?.status}`);
  return result.effects.append.find(({ stream }) => stream === "strategy_input_stream");
}
