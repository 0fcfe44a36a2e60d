import type { Redis } from "ioredis";
import type { SignalCache } from "../../functions/process-signals.ts";
import { controlOf, type Control } from "../../shared/decide/control.ts";
import { DecisionCache } from "../../shared/decide/decision-cache.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Unavailable } from "../../shared/function.ts";
import type { ReferenceStore } from "../../shared/io/reference/reference-store.ts";
import type { Keys } from "../../shared/keys.ts";
import { snapshotOf, type Snapshot } from "../../shared/reference/snapshot.ts";
import { singleFlight } from "../engine/single-flight.ts";

/** What decisions are based on. */
export interface RoutingContext {
  readonly snapshot: Snapshot;
  readonly control: Control;
  /** One for the process, whatever the snapshot and the control. */
  readonly cache: SignalCache;
}

/** What Redis says is current. */
export interface Current {
  /** Version of the snapshot; empty when there is none. */
  readonly version: string;
  /** Epoch of the control. */
  readonly epoch: string;
}

/**
 * The snapshot and the control kept in this process. The commit refuses decisions based on others than the current ones; the
 * invoker then calls `invalidate`.
 */
export interface RoutingContextCache {
  get(): Promise<RoutingContext | Unavailable>;
  /** Reads the context again unless it is the given one, which Redis has just called current. */
  at(current: Current): Promise<RoutingContext | Unavailable>;
  /** Asks Redis what is current first: for decisions that are used before a commit can refuse them. */
  latest(): Promise<RoutingContext | Unavailable>;
  invalidate(): void;
}

export interface RoutingContextDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly store: ReferenceStore;
  /** Called each time there is no snapshot, or none that can be used. */
  readonly onMissing?: () => void;
}

export function routingContextCache(deps: RoutingContextDeps): RoutingContextCache {
  const { redis, keys, store, onMissing } = deps;
  const cache: SignalCache = new DecisionCache();
  let cached: RoutingContext | undefined;
  let snapshot: Snapshot | undefined;

  async function loadNow(): Promise<RoutingContext | Unavailable> {
    const control = controlOf(await redis.hgetall(keys.control));
    const version = await store.currentVersion();
    if (snapshot === undefined || snapshot.version !== version) {
      const stored = await store.load();
      if (stored === undefined) {
        onMissing?.();
        return { status: "unavailable", what: "snapshot", error: missing(version) };
      }
      snapshot = snapshotOf(stored.version, stored.content);
    }
    cached = { snapshot, control, cache };
    return cached;
  }

  /** One load for all who wait for it; an error in it is no fault of their entries. */
  const load = singleFlight(async (): Promise<RoutingContext | Unavailable> => {
    try {
      return await loadNow();
    } catch (error) {
      return { status: "unavailable", what: "snapshot", error: messageOf(error) };
    }
  });

  async function get(): Promise<RoutingContext | Unavailable> {
    return cached ?? load();
  }

  async function at({ version, epoch }: Current): Promise<RoutingContext | Unavailable> {
    const context = await get();
    if ("status" in context) return context;
    if (context.snapshot.version === version && context.control.epoch === epoch) return context;
    cached = undefined;
    return get();
  }

  return {
    get,
    at,
    async latest() {
      try {
        return await at(await currentOf(redis, keys));
      } catch (error) {
        return { status: "unavailable", what: "redis", error: messageOf(error) };
      }
    },
    invalidate() {
      cached = undefined;
    },
  };
}

async function currentOf(redis: Redis, keys: Keys): Promise<Current> {
  const replies = [redis.get(keys.referenceCurrent), redis.hget(keys.control, "epoch")] as const;
  const [version, epoch] = await Promise.all(replies);
  return { version: version ?? "", epoch: epoch ?? "0" };
}

function missing(version: string | undefined): string {
  return version === undefined
    ? "there is no reference snapshot in Redis yet; refresh-reference makes one as soon as Postgres can be read"
    : `reference version ${version} is incomplete or altered in Redis; the next refresh writes it again`;
}
