import { messageOf } from "../../shared/error-message.ts";
import { eventFields } from "../../shared/events.ts";
import { createGroup } from "../../shared/io/streams/groups.ts";
import { readStatus } from "../../shared/io/streams/status.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import { GROUPS, type StreamName } from "../../shared/keys.ts";
import { CliError, type Connection } from "./connection.ts";

/** Prints the router's groups: where each one is, or that it is missing. */
export async function listGroups({ redis, keys }: Connection): Promise<void> {
  const { streams } = await readStatus(redis, keys);
  for (const { stream, group } of GROUPS) {
    const found = streams.find(({ name }) => name === stream)?.groups.find(({ name }) => name === group);
    const state = found === undefined ? "not there" : `${found.lag ?? "?"} waiting, ${found.pending} pending`;
    console.log(`${group.padEnd(18)} on ${stream.padEnd(22)} ${state}`);
  }
}

export interface CreateGroupOptions {
  readonly stream?: string;
  readonly from: string;
}

/** Makes a group that was lost again, where a person said. @throws CliError for a group or stream that is not the router's */
export async function createLostGroup(
  connection: Connection,
  name: string,
  options: CreateGroupOptions,
): Promise<void> {
  const all = GROUPS.filter(({ group }) => group === name);
  const [chosen, ...more] =
    options.stream === undefined ? all : all.filter(({ stream }) => stream === options.stream);
  if (chosen === undefined) {
    const known = GROUPS.map(({ group, stream }) => `${group} on ${stream}`).join(", ");
    throw new CliError(`the router has no group ${name}${onStream(options.stream)}; it has ${known}`);
  }
  if (more.length > 0) {
    const streams = all.map(({ stream }): StreamName => stream).join(" or ");
    throw new CliError(`${name} reads several streams: say which with --stream (${streams})`);
  }
  await createGroup(connection.redis, connection.keys, { ...chosen, from: options.from }).catch(
    (error: unknown) => {
      if (!messageOf(error).startsWith("BUSYGROUP")) throw error;
      throw new CliError(`${chosen.group} on ${chosen.stream} is there; only a lost group is made again`);
    },
  );
  const message = `group ${chosen.group} on ${chosen.stream} was made again from the command line and goes on from ${options.from}`;
  console.log(message);
  const event = eventFields({ level: "WARNING", source: "groups", message }, Date.now());
  await addEvent(connection.redis, connection.keys, event);
}

function onStream(stream: string | undefined): string {
  return stream === undefined ? "" : ` on ${stream}`;
}
