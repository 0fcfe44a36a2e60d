import type { Redis } from "ioredis";
import type { SignalContext } from "../../../functions/process-signals.ts";
import { readConfig, type Config } from "../../../shared/config/config.ts";
import { controlOf } from "../../../shared/decide/control.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import type { Keys } from "../../../shared/keys.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";

/**
 * The input of a live decision but for `now`, for clients that decide without a router. It is read once: unlike the
 * router, these clients do not notice a change.
 */
export async function loadDecisionContext(redis: Redis, keys: Keys): Promise<Omit<SignalContext, "now">> {
  const stored = await referenceStoreOn(redis, keys).load();
  if (stored === undefined)
    throw new Error("Redis has no reference snapshot: publish one before the client starts");
  return {
    snapshot: snapshotOf(stored.version, stored.content),
    control: controlOf(await redis.hgetall(keys.control)),
    signalAgeMsMax: defaultConfig().signalAgeMsMax,
    invocation: "live",
    cache: new DecisionCache(),
  };
}

/** The configuration of a router with an empty environment. */
export function defaultConfig(): Config {
  const answer = readConfig({});
  if (!answer.ok) throw new Error(answer.message);
  return answer.config;
}
