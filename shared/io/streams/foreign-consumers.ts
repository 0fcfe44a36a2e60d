import type { Redis } from "ioredis";
import { isEntryId } from "../../entry.ts";
import { groupsOf, type GroupName, type Keys, type StreamName } from "../../keys.ts";
import { readPending } from "./pending-entries.ts";
import { readableOr } from "./unreadable-streams.ts";

/**
 * Finds consumers in the router's groups that are no router's: another program that reads with the name of such a group takes
 * signals away. A router's consumer has left a heartbeat, or notes its turns in `loops`, or has a name that routers make.
 */
export interface ForeignConsumer {
  readonly stream: StreamName;
  readonly group: GroupName;
  /** The group as Redis knows it. */
  readonly groupName: string;
  readonly consumer: string;
  /** Delivered to it and not acknowledged. */
  readonly pending: number;
  /** Since it last read, in ms; before Redis 7.2, since it was last given an entry. */
  readonly idleMs: number;
  /** Whether a person has said that routers decide all that it has pending. */
  readonly isAdopted: boolean;
}

export const ADOPTIONS = ["acknowledge", "decide"] as const;
export type Adoption = (typeof ADOPTIONS)[number];

/** What routers call themselves unless CONSUMER_NAME is set, and their calls on demand in any case. */
const ROUTERS_NAME = /-\d+-[0-9a-f]{6}$|:(?:poll|reclaim)-[0-9a-f]{8}$/;

export async function readForeignConsumers(redis: Redis, keys: Keys): Promise<ForeignConsumer[]> {
  // Before the traces: a router's consumer leaves one before it reads for the first time.
  const consumers = (
    await Promise.all(groupsOf(keys).map(async (of) => consumersOf(redis, keys, of)))
  ).flat();
  if (consumers.every(({ consumer }) => ROUTERS_NAME.test(consumer))) return [];
  const [heartbeats, loops, groups] = await Promise.all([
    redis.hkeys(keys.heartbeats),
    redis.hkeys(keys.loops),
    redis.hgetall(keys.groups),
  ]);
  const routers = new Set([...heartbeats, ...loops].map((field) => field.slice(field.lastIndexOf(" ") + 1)));
  const foreign = consumers.filter(({ consumer }) => !ROUTERS_NAME.test(consumer) && !routers.has(consumer));
  return Promise.all(
    foreign.map(async (one) => {
      const adoptedUntil = groups[adoptedField(one)] ?? "";
      // No operator has decided about what it was given since then.
      const isAdopted = isEntryId(adoptedUntil) && !(await hasPendingAfter(redis, keys, one, adoptedUntil));
      return { ...one, isAdopted };
    }),
  );
}

async function hasPendingAfter(redis: Redis, keys: Keys, one: Member, id: string): Promise<boolean> {
  const { stream, groupName: group, consumer } = one;
  const range = { key: keys.stream(stream), group, consumer, from: `(${id}`, countMax: 1 };
  return (await readPending(redis, range)).length > 0;
}

type Member = Pick<ForeignConsumer, "stream" | "groupName" | "consumer">;

/** Where the `groups` hash has up to which entry routers decide what is pending for a foreign consumer. */
export function adoptedField({
  stream,
  group,
  consumer,
}: Pick<ForeignConsumer, "stream" | "group" | "consumer">): string {
  return `adopted:${stream}:${group}:${consumer}`;
}

/** Its oldest pending entry; undefined when there is none any longer. */
export async function oldestPendingOf(
  redis: Redis,
  keys: Keys,
  { stream, groupName, consumer }: Member,
): Promise<string | undefined> {
  const range = { key: keys.stream(stream), group: groupName, consumer, countMax: 1 };
  return (await readPending(redis, range))[0]?.id;
}

/** The names of all consumers of the group; none when there is no such group. */
export async function consumersOf(
  redis: Redis,
  keys: Keys,
  { stream, group }: Pick<ForeignConsumer, "stream" | "group">,
): Promise<Omit<ForeignConsumer, "isAdopted">[]> {
  const groupName = keys.group(group);
  try {
    const answer = redis.xinfo("CONSUMERS", keys.stream(stream), groupName) as Promise<unknown[][]>;
    const replies = await readableOr(answer, { keys, stream, otherwise: [] });
    return replies.map((flat) => {
      const valueOf = (name: string): unknown => flat[flat.indexOf(name) + 1];
      const [consumer, pending, idleMs] = [valueOf("name"), valueOf("pending"), valueOf("idle")];
      return {
        stream,
        group,
        groupName,
        consumer: String(consumer),
        pending: Number(pending),
        idleMs: Number(idleMs),
      };
    });
  } catch (error) {
    if (error instanceof Error && /no such key|NOGROUP/.test(error.message)) return [];
    throw error;
  }
}
