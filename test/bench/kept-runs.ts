import { messageOf } from "../../shared/error-message.ts";
import type { Backlog } from "./route-backlog.ts";

/** The results of backlogs that were run one after the other, each under a name. */
export interface KeptRuns {
  /** Keeps the result of a run, or its error message, so that the runs after it still happen. */
  take(name: string, run: () => Promise<Backlog>): Promise<void>;
  /** The successful runs with this name, in order. */
  of(name: string): readonly Backlog[];
  /** All successful runs. */
  all(): readonly { readonly name: string; readonly backlog: Backlog }[];
  /** Name and message of each failed run. */
  failures(): readonly string[];
}

export function keptRuns(): KeptRuns {
  const runs: { name: string; backlog: Backlog }[] = [];
  const failures: string[] = [];
  return {
    async take(name, run) {
      try {
        runs.push({ name, backlog: await run() });
      } catch (error) {
        failures.push(`${name}: ${messageOf(error)}`);
      }
    },
    of: (wanted) => runs.filter(({ name }) => name === wanted).map(({ backlog }) => backlog),
    all: () => runs,
    failures: () => failures,
  };
}
