import type { Redis } from "ioredis";
import type { Relay } from "../../servers/relay.ts";

/** What tests of several runners look at: in which order tasks were begun, and which process holds a group. */

/** How many of the neighbouring items were begun in the wrong order, by the moment each was first begun. */
export function overtaken(inOrder: readonly string[], begun: readonly string[]): number {
  const first = new Map<string, number>();
  for (const [at, name] of begun.entries()) if (!first.has(name)) first.set(name, at);
  const places = inOrder.map((name) => first.get(name)).filter((at) => at !== undefined);
  return places.filter((at, i) => at < (places[i - 1] ?? -1)).length;
}

/** Process id of the runner that holds a group; undefined when none does. */
export async function holderPid(redis: Redis, leaseKey: string): Promise<number | undefined> {
  const runner = await redis.hget(leaseKey, "runner");
  // <host>-<pid>-<random>
  const [, pid] = /-(\d+)-[0-9a-f]+$/.exec(runner ?? "") ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/** Lets the connection for commands of a process hang; its other connections work. False: it has none at this moment. */
export async function hangCommands(redis: Redis, relay: Relay, pid: number): Promise<boolean> {
  const clients = String(await redis.client("LIST"));
  const own = new RegExp(`^.* addr=\\S+:(\\d+) .* name=\\S+-${pid}-[0-9a-f]+:commands .*$`, "m");
  const [, port] = own.exec(clients) ?? [];
  if (port === undefined) return false;
  relay.hang(Number(port));
  return true;
}
