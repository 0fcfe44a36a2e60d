import type { Redis } from "ioredis";
import type { SignalContext } from "../../../functions/process-signals.ts";
import { readConfig, type Config } from "../../../shared/config/config.ts";
import { controlOf } from "../../../shared/decide/control.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import type { Keys } from "../../../shared/keys.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";

/** The settings of a router that is given none. */
export function defaultConfig(): Config {
  const answer = readConfig({});
  if (!answer.ok) throw new Error(answer.message);
  return answer.config;
}

/**
 * What a live decision is made on, read once; `now` is still to be set for each batch. Unlike the router, whoever uses
 * this never learns that it has changed.
 */
export async function loadDecisionContext(redis: Redis, keys: Keys): Promise<Omit<SignalContext, "now">> {
  const stored = await referenceStoreOn(redis, keys).load();
  if (stored === undefined) throw new Error("there is no reference snapshot to decide on");
  return {
    snapshot: snapshotOf(stored.version, stored.content),
    control: controlOf(await redis.hgetall(keys.control)),
    signalAgeMsMax: defaultConfig().signalAgeMsMax,
    invocation: "live",
    cache: new DecisionCache(),
  };
}
