import type { Redis } from "ioredis";
import { median } from "../bench/percentiles.ts";

/** How long a Redis server that nothing else uses was busy with the commands of what `act` does; scripts count as one command. */

/** The time of the usual command, in ms: of many equal ones, some may have met a busy machine. */
export async function usualBusyMs(redis: Redis, act: () => Promise<unknown>): Promise<number> {
  return median(await busyUsOf(redis, act)) / 1_000;
}

/** The time of the longest command, in ms. */
export async function longestBusyMs(redis: Redis, act: () => Promise<unknown>): Promise<number> {
  return Math.max(...(await busyUsOf(redis, act))) / 1_000;
}

async function busyUsOf(redis: Redis, act: () => Promise<unknown>): Promise<number[]> {
  await redis.config("SET", "slowlog-max-len", 100_000);
  await redis.config("SET", "slowlog-log-slower-than", 0);
  await redis.slowlog("RESET");
  await act();
  const commands = (await redis.call("SLOWLOG", "GET", 100_000)) as [number, number, number, string[]][];
  const scripts = commands.filter(([, , , [name = ""]]) => /^evalsha?$/i.test(name));
  // The commands that a script sends are listed as well.
  const counted =
    scripts.length > 0 ? scripts : commands.filter(([, , , [name = ""]]) => !/^slowlog$/i.test(name));
  return counted.map(([, , us]) => us);
}
