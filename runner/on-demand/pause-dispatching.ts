import type { Redis } from "ioredis";
import { eventFields } from "../../shared/events.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { TooFewReplicasError, type Confirm } from "../../shared/io/redis/confirm.ts";
import { pause, resume } from "../../shared/io/reference/control-store.ts";
import { strategyNameOf } from "../../shared/io/status/strategy-rows.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import type { Keys } from "../../shared/keys.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";

/**
 * Pauses one strategy, or all: no decision committed from now on dispatches it. @throws TooFewReplicasError when a fail-over could
 * lift it
 */
export async function pauseDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  const { strategyId, by } = request;
  const { name, warning } = await strategyOf(deps, strategyId);
  await pause(deps.redis, deps.keys, strategyId, { by, at: await readTime(deps.redis) });
  const lacking = await lackingOf(deps);
  const message = await publish(deps, "paused", { ...request, name });
  if (lacking !== undefined) throw unconfirmed("the pause is set", "lift it", lacking);
  return { message, ...(warning === undefined ? {} : { warning }) };
}

/** Lifts a pause. @throws TooFewReplicasError when a fail-over could set it again */
export async function resumeDispatching(deps: PauseDeps, request: PauseRequest): Promise<PauseAnswer> {
  await resume(deps.redis, deps.keys, request.strategyId);
  const lacking = await lackingOf(deps);
  const { name } = await strategyOf(deps, request.strategyId);
  const message = await publish(deps, "resumed", { ...request, name });
  if (lacking !== undefined) throw unconfirmed("the pause is lifted", "set it again", lacking);
  return { message };
}

/** Why replicas lack the change; asked right after it, while the connection is the one that made it. */
async function lackingOf({ confirm }: PauseDeps): Promise<TooFewReplicasError | undefined> {
  try {
    await confirm();
    return undefined;
  } catch (error) {
    if (error instanceof TooFewReplicasError) return error;
    throw error;
  }
}

function unconfirmed(done: string, undone: string, { message }: TooFewReplicasError): TooFewReplicasError {
  return new TooFewReplicasError(
    `${done} on the master, but too few replicas have it: ${message}. A fail-over now could ${undone}; repeat it until it is confirmed`,
  );
}

export interface PauseDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly confirm: Confirm;
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
  { strategyId, name, by, way }: PauseRequest & { readonly name: string | undefined },
): Promise<string> {
  const subject = strategyId === undefined ? "every strategy" : strategyLabel(strategyId, name);
  const message = `${subject} ${change} by ${by} ${way}`;
  const at = await readTime(redis);
  await addEvent(redis, keys, eventFields({ level: "WARNING", source: "control", message }, at));
  return message;
}

/** A pause of a wrong id would leave the right strategy trading. */
async function strategyOf(
  { redis, keys }: PauseDeps,
  strategyId: number | undefined,
): Promise<PausedStrategy> {
  if (strategyId === undefined) return { name: undefined };
  const { version, name } = await strategyNameOf(redis, keys, strategyId);
  if (version === null || name !== undefined) return { name };
  const warning = `There is no strategy ${strategyId} in the current snapshot (version ${version}); check the id`;
  return { name, warning };
}

interface PausedStrategy {
  /** Undefined when it is not known. */
  readonly name: string | undefined;
  readonly warning?: string;
}
