import type { Config } from "../../shared/config/config.ts";
import { healthOf, type Health } from "../../shared/health/health.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import type { Status } from "../../shared/io/status/status.ts";
import { GROUPS, type GroupName } from "../../shared/keys.ts";

/** The health of the router, from what Redis contains and whether Postgres answered. */
export function healthFrom(status: Status, postgresReachable: boolean | null, config: Config): Health {
  const { version, confirmedAt } = status.reference;
  const groups = GROUPS.filter(({ group }) => isExpected(group, config)).map(({ stream, group }) => {
    const found = status.streams
      .find(({ name }) => name === stream)
      ?.groups.find(({ name }) => name === group);
    const heartbeats = status.loops.filter((loop) => loop.stream === stream && loop.group === group);
    return {
      stream,
      group,
      critical: group === "signal_processor",
      exists: found !== undefined,
      heartbeats: heartbeats.map(({ at, ...loop }) => ({ ...loop, agoMs: Math.max(0, status.now - at) })),
      backlog: (found?.pending ?? 0) + (found?.lag ?? 0),
      oldestPendingIdleMs: found?.oldestPendingIdleMs ?? null,
    };
  });
  const confirmedAgoMs = confirmedAt === null ? null : Math.max(0, status.now - confirmedAt);
  const reference = { version, confirmedAgoMs };
  const redis = { answers: true, ...status.server };
  return healthOf({ redis, postgresReachable, reference, groups }, config);
}

/** Whether this configuration needs the group; execution may be left to other workers. */
function isExpected(group: GroupName, { functions }: Config): boolean {
  return group !== "strategy_executor" || functions.includes("execute-strategies");
}

/** Whether Postgres answers a trivial query. */
export async function isReachable(database: Database): Promise<boolean> {
  return database.query("SELECT 1").then(
    () => true,
    () => false,
  );
}
