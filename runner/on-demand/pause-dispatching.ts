import type { Redis } from "ioredis";
import { eventFields } from "../../shared/events.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { pause, resume } from "../../shared/io/reference/control-store.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import type { Keys } from "../../shared/keys.ts";

/** Pauses one strategy, or all: no decision committed from now on dispatches it. */
export async function pauseDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  const { strategyId, by } = request;
  const warning = strategyId === undefined ? undefined : await unknownStrategy(deps, strategyId);
  await pause(deps.redis, deps.keys, strategyId, { by, at: await readTime(deps.redis) });
  const message = await publish(deps, "paused", request);
  return { message, ...(warning === undefined ? {} : { warning }) };
}

/** Lifts a pause. */
export async function resumeDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  await resume(deps.redis, deps.keys, request.strategyId);
  return { message: await publish(deps, "resumed", request) };
}

export interface PauseDeps {
  readonly redis: Redis;
  readonly keys: Keys;
}

export interface PauseRequest {
  /** Undefined: every strategy. */
  readonly strategyId: number | undefined;
  readonly by: string;
  /** Where the request came from, for people: `from the command line`. */
  readonly way: string;
}

export interface PauseAnswer {
  readonly message: string;
  readonly warning?: string;
}

/** Publishes the event, whose message is also the answer. */
async function publish(
  { redis, keys }: PauseDeps,
  change: "paused" | "resumed",
  { strategyId, by, way }: PauseRequest,
): Promise<string> {
  const subject = strategyId === undefined ? "every strategy" : `strategy ${strategyId}`;
  const message = `${subject} ${change} by ${by} ${way}`;
  const at = await readTime(redis);
  await addEvent(redis, keys, eventFields({ level: "WARNING", source: "control", message }, at));
  return message;
}

/** A pause of a wrong id would leave the right strategy trading. */
async function unknownStrategy({ redis, keys }: PauseDeps, strategyId: number): Promise<string | undefined> {
  const version = await redis.get(keys.referenceCurrent);
  if (version === null) return undefined;
  const exists = await redis.hexists(keys.reference(version, "strategies"), String(strategyId));
  if (exists === 1) return undefined;
  return `There is no strategy ${strategyId} in the current snapshot (version ${version}); check the id`;
}
