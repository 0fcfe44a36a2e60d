import { userInfo } from "node:os";
import { eventFields } from "../../shared/events.ts";
import { pause, resume } from "../../shared/io/control-store.ts";
import type { Connection } from "./connection.ts";

/** Pauses one strategy, or all: no decision committed from now on dispatches it. */
export async function pauseStrategy(connection: Connection, strategyId: number | undefined): Promise<void> {
  const by = userInfo().username;
  await pause(connection.redis, connection.keys, strategyId, { by, at: Date.now() });
  await said(connection, `${whom(strategyId)} paused by ${by} from the command line`);
}

/** Takes a pause back. */
export async function resumeStrategy(connection: Connection, strategyId: number | undefined): Promise<void> {
  await resume(connection.redis, connection.keys, strategyId);
  await said(connection, `${whom(strategyId)} resumed by ${userInfo().username} from the command line`);
}

function whom(strategyId: number | undefined): string {
  return strategyId === undefined ? "every strategy" : `strategy ${strategyId}`;
}

async function said({ redis, keys }: Connection, message: string): Promise<void> {
  const fields = eventFields({ level: "WARNING", source: "control", message }, Date.now());
  await redis.xadd(keys.stream("system_events"), "*", ...Object.entries(fields).flat());
  console.log(message);
}
