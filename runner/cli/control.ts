import { pauseDispatching, resumeDispatching, type PauseAnswer } from "../on-demand/pause-dispatching.ts";
import type { Connection } from "./connection.ts";
import { osUser } from "./os-user.ts";

/** Pauses one strategy, or all. */
export async function pauseStrategy(connection: Connection, strategyId: number | undefined): Promise<void> {
  said(await pauseDispatching(connection, { strategyId, by: osUser(), way: "from the command line" }));
}

/** Takes a pause back. */
export async function resumeStrategy(connection: Connection, strategyId: number | undefined): Promise<void> {
  said(await resumeDispatching(connection, { strategyId, by: osUser(), way: "from the command line" }));
}

function said({ message, warning }: PauseAnswer): void {
  if (warning !== undefined) console.error(warning);
  console.log(message);
}
