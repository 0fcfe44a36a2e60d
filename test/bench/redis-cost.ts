import type { Redis } from "ioredis";

/** Time that a Redis server has spent on its work, in microseconds. */
export interface RedisCost {
  /** In scripts and reads, by Redis' own clock, which goes on while the system runs something else. */
  readonly commandsUs: number;
  /** CPU time of the main thread: commands, reading, parsing, replying and passing data to the AOF. */
  readonly mainThreadUs: number;
  /** Commands performed, those within scripts included, without those that watch. */
  readonly commands: number;
}

/** The commands a router sends during a backlog; the time of a script contains the commands it calls. */
const SENT = /^cmdstat_(?:eval|evalsha|xreadgroup):calls=\d+,usec=(\d+)/;

/** What the bench itself asks while it waits. */
const WATCHING = /^cmdstat_(?:xinfo\|groups|exists|info|config\|\w+|xlen|ping):/;

/** Starts to count from zero; the returned function gives the cost so far. */
export async function startRedisCost(redis: Redis): Promise<() => Promise<RedisCost>> {
  await redis.config("RESETSTAT");
  const before = await mainThreadUs(redis);
  return async () => ({
    commandsUs: await commandsUs(redis),
    commands: await commandsOf(redis),
    mainThreadUs: (await mainThreadUs(redis)) - before,
  });
}

async function commandsUs(redis: Redis): Promise<number> {
  let sum = 0;
  for (const line of (await redis.info("commandstats")).split("\r\n")) {
    sum += Number(SENT.exec(line)?.[1] ?? 0);
  }
  return sum;
}

async function commandsOf(redis: Redis): Promise<number> {
  const lines = (await redis.info("commandstats")).split("\r\n").filter((line) => !WATCHING.test(line));
  return lines.reduce((sum, line) => sum + Number(/^cmdstat_[^:]+:calls=(\d+)/.exec(line)?.[1] ?? 0), 0);
}

/** @throws Error when the server does not report it; Redis 6.2 or newer on Linux does */
async function mainThreadUs(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const seconds = (name: string): number => {
    const value = new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1];
    if (value === undefined)
      throw new Error(`INFO cpu of this Redis has no ${name}: Redis 6.2 or newer on Linux is needed`);
    return Number(value);
  };
  return (seconds("used_cpu_sys_main_thread") + seconds("used_cpu_user_main_thread")) * 1e6;
}
