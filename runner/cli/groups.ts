import { messageOf } from "../../shared/error-message.ts";
import { eventFields } from "../../shared/events.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { readStatus } from "../../shared/io/status/status.ts";
import { acknowledgeEntries, lastDelivered, storeAdoption } from "../../shared/io/streams/adopt-entries.ts";
import { readForeignConsumers, type Adoption } from "../../shared/io/streams/foreign-consumers.ts";
import { createGroup } from "../../shared/io/streams/groups.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import { groupsOf, type GroupName, type StreamName } from "../../shared/keys.ts";
import { printable } from "../../shared/text.ts";
import { CliError, type Connection } from "./connection.ts";
import { osUser } from "./os-user.ts";

/** `cli groups list`: prints the backlog of each of the router's groups, or that it is missing. */
export async function listGroups({ redis, keys, config }: Connection): Promise<void> {
  const { streams } = await readStatus(redis, keys);
  const missing = (group: GroupName): string =>
    group === "strategy_executor" && !config.functions.includes("execute-strategies")
      ? "not there, and not needed: FUNCTIONS leaves execute-strategies out"
      : "missing";
  const groups = groupsOf(keys);
  const width = Math.max(...groups.map(({ group }) => keys.group(group).length));
  for (const { stream, group } of groups) {
    const found = streams.find(({ name }) => name === stream)?.groups.find((each) => each.group === group);
    const state =
      found === undefined ? missing(group) : `${found.lag ?? "?"} waiting, ${found.pending} pending`;
    console.log(`${keys.group(group).padEnd(width)} on ${stream.padEnd(22)} ${state}`);
  }
}

/** `cli groups create`: creates a lost group again. @throws CliError for an unknown group or stream */
export async function createLostGroup(
  connection: Connection,
  name: string,
  options: CreateGroupOptions,
): Promise<void> {
  const { keys } = connection;
  const groups = groupsOf(keys);
  const all = groups.filter(({ group }) => group === name || keys.group(group) === name);
  const [chosen, ...more] =
    options.stream === undefined ? all : all.filter(({ stream }) => stream === options.stream);
  if (chosen === undefined) {
    const known = groups.map(({ group, stream }) => `${keys.group(group)} on ${stream}`).join(", ");
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
        `${keys.group(chosen.group)} on ${chosen.stream} exists: only a lost group can be created again`,
      );
    },
  );
  const message = `group ${keys.group(chosen.group)} on ${chosen.stream} was created again from the command line and starts at ${options.from}`;
  console.log(message);
  const at = await readTime(connection.redis);
  const event = eventFields({ level: "WARNING", source: "groups", message }, at);
  await addEvent(connection.redis, connection.keys, event);
}

/** `cli groups adopt`: says what is to become of entries that are pending for other programs in a group of the router. */
export async function adoptEntries(
  { redis, keys, config }: Connection,
  name: string,
  answer: Adoption,
  { by = osUser() }: { readonly by?: string },
): Promise<void> {
  const groups = groupsOf(keys);
  const named = groups.filter(({ group }) => group === name || keys.group(group) === name);
  if (named.length === 0) {
    const known = [...new Set(groups.map(({ group }) => keys.group(group)))].join(", ");
    throw new CliError(`the router has no group ${name}; it has ${known}`);
  }
  // Before the consumers: what such a program is given from now on is another question.
  const ends = new Map(
    await Promise.all(
      named.map(async ({ stream, group }) => {
        const until = await lastDelivered(redis, keys, { stream, groupName: keys.group(group) });
        return [stream, until] as const;
      }),
    ),
  );
  const found = (await readForeignConsumers(redis, keys)).filter(
    ({ group, groupName, pending }) => pending > 0 && (group === name || groupName === name),
  );
  if (found.length === 0) {
    console.log(`nothing is pending for other programs in group ${name}`);
    return;
  }
  for (const one of found) {
    const who = `${printable(one.consumer)} in group ${one.groupName} of ${one.stream}`;
    const until = ends.get(one.stream) ?? "0-0";
    if (answer === "acknowledge") {
      const count = await acknowledgeEntries(redis, keys, one, { by, until });
      console.log(
        `${who}: ${entriesText(count)} acknowledged, and processed by no router; system_log has the ids`,
      );
      continue;
    }
    await storeAdoption(redis, keys, one, { until });
    const message = `${one.pending} entries pending for ${who}, which is no router, are left to the routers to process, by ${by}`;
    const details = { stream: one.stream, group: one.groupName, consumer: one.consumer, by };
    const event = eventFields(
      { level: "WARNING", source: "groups", message, details },
      await readTime(redis),
    );
    await addEvent(redis, keys, event);
    console.log(
      `${who}: ${entriesText(one.pending)} left to the routers, to be processed when idle for ${config.claimIdleMs / 1_000} s`,
    );
  }
}

function entriesText(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}

export interface CreateGroupOptions {
  readonly stream?: string;
  readonly from: string;
}

function onStream(stream: string | undefined): string {
  return stream === undefined ? "" : ` on ${stream}`;
}
