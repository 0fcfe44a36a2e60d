import { messageOf } from "../../shared/error-message.ts";
import { eventFields } from "../../shared/events.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { readStatus } from "../../shared/io/status/status.ts";
import { createGroup } from "../../shared/io/streams/groups.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import { groupsOf, type StreamName } from "../../shared/keys.ts";
import { CliError, type Connection } from "./connection.ts";

/** `cli groups list`: prints the backlog of each of the router's groups, or that it is missing. */
export async function listGroups({ redis, keys }: Connection): Promise<void> {
  const { streams } = await readStatus(redis, keys);
  for (const { stream, group } of groupsOf(keys)) {
    const found = streams.find(({ name }) => name === stream)?.groups.find(({ name }) => name === group);
    const state = found === undefined ? "missing" : `${found.lag ?? "?"} waiting, ${found.pending} pending`;
    console.log(`${group.padEnd(18)} on ${stream.padEnd(22)} ${state}`);
  }
}

/** `cli groups create`: creates a lost group again. @throws CliError for an unknown group or stream */
export async function createLostGroup(
  connection: Connection,
  name: string,
  options: CreateGroupOptions,
): Promise<void> {
  const groups = groupsOf(connection.keys);
  const all = groups.filter(({ group }) => group === name);
  const [chosen, ...more] =
    options.stream === undefined ? all : all.filter(({ stream }) => stream === options.stream);
  if (chosen === undefined) {
    const known = groups.map(({ group, stream }) => `${group} on ${stream}`).join(", ");
    throw new CliError(`the router has no group ${name}${onStream(options.stream)}; it has ${known}`);
  }
  if (more.length > 0) {
    const streams = all.map(({ stream }): StreamName => stream).join(" or ");
    throw new CliError(`${name} reads several streams: name one with --stream (${streams})`);
  }
  await createGroup(connection.redis, connection.keys, { ...chosen, from: options.from }).catch(
    (error: unknown) => {
      if (!messageOf(error).startsWith("BUSYGROUP")) throw error;
      throw new CliError(
        `${chosen.group} on ${chosen.stream} exists: only a lost group can be created again`,
      );
    },
  );
  const message = `group ${chosen.group} on ${chosen.stream} was created again from the command line and starts at ${options.from}`;
  console.log(message);
  const at = await readTime(connection.redis);
  const event = eventFields({ level: "WARNING", source: "groups", message }, at);
  await addEvent(connection.redis, connection.keys, event);
}

export interface CreateGroupOptions {
  readonly stream?: string;
  readonly from: string;
}

function onStream(stream: string | undefined): string {
  return stream === undefined ? "" : ` on ${stream}`;
}
