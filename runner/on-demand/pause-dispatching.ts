import type { Redis } from "ioredis";
import { eventFields } from "../../shared/events.ts";
import { pause, resume } from "../../shared/io/reference/control-store.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import type { Keys } from "../../shared/keys.ts";

export interface PauseDeps {
  readonly redis: Redis;
  readonly keys: Keys;
}

export interface PauseRequest {
  /** Undefined: every strategy. */
  readonly strategyId: number | undefined;
  readonly by: string;
  /** How it was asked for: `from the command line`. */
  readonly way: string;
}

export interface PauseAnswer {
  readonly message: string;
  readonly warning?: string;
}

/** Pauses one strategy, or all: no decision committed from now on dispatches it. */
export async function pauseDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  const { strategyId, by, way } = request;
  const warning = strategyId === undefined ? undefined : await unknownStrategy(deps, strategyId);
  await pause(deps.redis, deps.keys, strategyId, { by, at: Date.now() });
  const message = `${whom(strategyId)} paused by ${by} ${way}`;
  await publish(deps, message);
  return { message, ...(warning === undefined ? {} : { warning }) };
}

/** Takes a pause back. */
export async function resumeDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  const { strategyId, by, way } = request;
  await resume(deps.redis, deps.keys, strategyId);
  const message = `${whom(strategyId)} resumed by ${by} ${way}`;
  await publish(deps, message);
  return { message };
}

function whom(strategyId: number | undefined): string {
  return strategyId === undefined ? "every strategy" : `strategy ${strategyId}`;
}

async function publish({ redis, keys }: PauseDeps, message: string): Promise<void> {
  await addEvent(redis, keys, eventFields({ level: "WARNING", source: "control", message }, Date.now()));
}

/** Whoever pauses the wrong id goes on trading the right one. */
async function unknownStrategy({ redis, keys }: PauseDeps, strategyId: number): Promise<string | undefined> {
  const version = await redis.get(keys.referenceCurrent);
  if (version === null) return undefined;
  if ((await redis.hexists(keys.reference(version, "strategies"), String(strategyId))) === 1)
    return undefined;
  return `There is no strategy ${strategyId} in the current snapshot (version ${version}); is that the right id?`;
}
