import type { Config } from "../shared/config.ts";
import { healthOf, type Health } from "../shared/health.ts";
import type { Database } from "../shared/io/database.ts";
import type { Status } from "../shared/io/status.ts";
import { GROUPS } from "../shared/keys.ts";

/** Groups whose functions a router without special wishes runs; the executor is an option. */
const EXPECTED = new Set(["signal_processor", "log_writer"]);

/** The health that follows from what Redis holds and whether Postgres was there when asked. */
export function healthFrom(status: Status, postgresReachable: boolean | null, config: Config): Health {
  const { version, confirmedAt } = status.reference;
  const groups = GROUPS.filter(({ group }) => EXPECTED.has(group)).map(({ stream, group }) => {
    const found = status.streams
      .find(({ name }) => name === stream)
      ?.groups.find(({ name }) => name === group);
    const turns = status.loops.filter((loop) => loop.stream === stream);
    return {
      stream,
      group,
      critical: group === "signal_processor",
      exists: found !== undefined,
      turns: turns.map(({ at, ...turn }) => ({ ...turn, agoMs: Math.max(0, status.now - at) })),
      backlog: (found?.pending ?? 0) + (found?.lag ?? 0),
      oldestPendingIdleMs: found?.oldestPendingIdleMs ?? null,
    };
  });
  const confirmedAgoMs = confirmedAt === null ? null : Math.max(0, status.now - confirmedAt);
  const snapshot = version === null ? null : { version, confirmedAgoMs };
  return healthOf({ redisReachable: true, postgresReachable, snapshot, groups }, config);
}

/** Whether Postgres answers a trivial question. */
export async function isReachable(database: Database): Promise<boolean> {
  return database.query("SELECT 1").then(
    () => true,
    () => false,
  );
}
