import { setTimeout as pause } from "node:timers/promises";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { readHeartbeats } from "../../shared/io/streams/consumer-heartbeats.ts";
import { EXIT_BAD_CONFIG } from "../environment.ts";
import { CliError, type Connection } from "./connection.ts";

/**
 * Refuses to work with the embedded database on a Redis from which routers read. Only one process can have that database open, and
 * this one has: so theirs is another, and they would trade by a snapshot of this one. @throws CliError
 */
export async function refuseOtherDatabase({
  redis,
  keys,
  redisUrl,
  config: { blockMs },
}: Pick<Connection, "redis" | "keys" | "redisUrl" | "config">): Promise<void> {
  const freshMsMax = READS_MISSED_MAX * blockMs + LATE_MS_MAX;
  const seen = new Map<string, number>();
  for (;;) {
    const now = await readTime(redis);
    const fresh = (await readHeartbeats(redis, keys)).filter(
      ({ at, everyMs }) => everyMs === undefined && Math.abs(now - at) <= freshMsMax,
    );
    if (fresh.length === 0) return;
    for (const { stream, group, consumer, at } of fresh) {
      const loop = `${stream} ${group} ${consumer}`;
      // A router that was killed leaves a heartbeat, which does not change.
      if (at > (seen.get(loop) ?? at)) throw otherDatabase(redisUrl);
      seen.set(loop, at);
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** Of a router that lives; after more its heartbeat is that of one that was killed. */
const READS_MISSED_MAX = 2;
const LATE_MS_MAX = 1_000;
const LOOK_EVERY_MS = 200;

function otherDatabase(redisUrl: string): CliError {
  return new CliError(
    `DATABASE_URL is not set, and routers read from Redis at ${redactUrl(redisUrl)} that do not use the embedded database of this folder: set the DATABASE_URL that they have`,
    { exitCode: EXIT_BAD_CONFIG },
  );
}
