import { eventFields } from "../../shared/events.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { readStatus } from "../../shared/io/status/status.ts";
import { removeGroup } from "../../shared/io/streams/groups.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import { groupsOf, type GroupName } from "../../shared/keys.ts";
import { CliError, type Connection } from "./connection.ts";
import { osUser } from "./os-user.ts";

/** Groups that a router can do without: other programs may do their work. */
export const REMOVABLE = ["strategy_executor", "outcome_collector"] as const satisfies readonly GroupName[];

/**
 * `cli groups remove`: removes a group that no router reads any longer, so that its stream is trimmed again. @throws CliError while
 * a router reads it, or entries are pending
 */
export async function removeUnreadGroup(
  { redis, keys }: Connection,
  name: (typeof REMOVABLE)[number],
  { by = osUser() }: { readonly by?: string },
): Promise<void> {
  const { loops } = await readStatus(redis, keys);
  const reader = loops.find(({ group }) => group === name);
  if (reader !== undefined)
    throw new CliError(
      `router ${reader.consumer} reads ${keys.group(name)}, or was killed within the last hour: stop the routers that have it in FUNCTIONS first; one that was killed is forgotten after an hour`,
    );
  const known = groupsOf(keys).filter(({ group }) => group === name);
  if (known.length === 0)
    throw new CliError(`${name} reads the streams of OUTCOME_STREAMS: set it for this command, too`);
  for (const one of known) {
    const group = `group ${keys.group(name)} of ${one.stream}`;
    const pending = await removeGroup(redis, keys, one);
    if (pending > 0)
      throw new CliError(
        `${group} was not removed: ${pending} entries are pending in it. Let a router finish them, or see groups adopt`,
      );
    const message = `${group} was removed from the command line, by ${by}`;
    const event = eventFields({ level: "WARNING", source: "groups", message }, await readTime(redis));
    await addEvent(redis, keys, event);
    console.log(message);
  }
}
