import { userInfo } from "node:os";
import { eventFields } from "../../shared/events.ts";
import { pause, resume } from "../../shared/io/control-store.ts";
import { addEvent } from "../../shared/io/system-events.ts";
import type { Connection } from "./connection.ts";

/** Pauses one strategy, or all: no decision committed from now on dispatches it. */
export async function pauseStrategy(connection: Connection, strategyId: number | undefined): Promise<void> {
  const by = userInfo().username;
  if (strategyId !== undefined) await warnIfUnknown(connection, strategyId);
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
  // It holds already; the record of it comes second.
  console.log(message);
  await addEvent(redis, keys, fields);
}

/** Whoever pauses the wrong id goes on trading the right one. */
async function warnIfUnknown({ redis, keys }: Connection, strategyId: number): Promise<void> {
  const version = await redis.get(keys.referenceCurrent);
  if (version === null) return;
  if ((await redis.hexists(keys.reference(version, "strategies"), String(strategyId))) === 1) return;
  console.error(
    `There is no strategy ${strategyId} in the current snapshot (version ${version}); is that the right id?`,
  );
}
