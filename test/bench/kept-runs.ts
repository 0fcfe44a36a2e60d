import { messageOf } from "../../shared/error-message.ts";
import type { Backlog } from "./route-backlog.ts";

/** Backlogs that were worked off one after the other, each under the name of what it was run for. */
export interface KeptRuns {
  /** Keeps what comes of a run, or the message if it fails, so that those after it are still taken. */
  take(name: string, run: () => Promise<Backlog>): Promise<void>;
  /** Those with this name that went well, in the order they were taken. */
  of(name: string): readonly Backlog[];
  /** All that went well. */
  all(): readonly { readonly name: string; readonly backlog: Backlog }[];
  /** Name and message of each that failed. */
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
