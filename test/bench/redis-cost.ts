import type { Redis } from "ioredis";

/** What a server has spent, in microseconds. */
export interface RedisCost {
  /** Inside scripts and reads, by Redis' own count (which goes on while the system runs something else). */
  readonly commandsUs: number;
  /** CPU of the main thread: commands, and reading, parsing, answering and feeding the AOF. */
  readonly mainThreadUs: number;
}

/** All that a router sends while it works off a backlog; what scripts call is in their time already. */
const SENT = /^cmdstat_(?:eval|evalsha|xreadgroup):calls=\d+,usec=(\d+)/;

/** Counts from zero from here on. */
export async function startCosting(redis: Redis): Promise<() => Promise<RedisCost>> {
  await redis.config("RESETSTAT");
  const before = await mainThreadUs(redis);
  return async () => ({
    commandsUs: await commandsUs(redis),
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

/** @throws Error where the server does not tell, which it does on Linux from Redis 6.2 on */
async function mainThreadUs(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const seconds = (name: string): number => {
    const told = new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1];
    if (told === undefined) throw new Error(`this Redis does not tell its ${name}`);
    return Number(told);
  };
  return (seconds("used_cpu_sys_main_thread") + seconds("used_cpu_user_main_thread")) * 1e6;
}
