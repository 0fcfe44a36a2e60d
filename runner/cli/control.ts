import { printable } from "../../shared/text.ts";
import { pauseDispatching, resumeDispatching, type PauseAnswer } from "../on-demand/pause-dispatching.ts";
import type { Connection } from "./connection.ts";
import { namedStrategy } from "./named-strategy.ts";
import { osUser } from "./os-user.ts";

/** `cli pause`: pauses one strategy, by id or name, or all. */
export async function pauseStrategy(connection: Connection, typed: string | undefined): Promise<void> {
  const strategyId = typed === undefined ? undefined : await namedStrategy(connection, typed);
  printAnswer(await pauseDispatching(connection, { strategyId, by: osUser(), way: "from the command line" }));
}

/** `cli resume`: lifts the pause of one strategy, by id or name, or the pause of all. */
export async function resumeStrategy(connection: Connection, typed: string | undefined): Promise<void> {
  const strategyId = typed === undefined ? undefined : await namedStrategy(connection, typed);
  printAnswer(
    await resumeDispatching(connection, { strategyId, by: osUser(), way: "from the command line" }),
  );
}

function printAnswer({ message, warning }: PauseAnswer): void {
  // With the name of the strategy, which is anything.
  if (warning !== undefined) console.error(printable(warning));
  console.log(printable(message));
}
