import type { Redis } from "ioredis";
import { removeReport, storeReport } from "../../shared/io/status/unusable-reports.ts";
import type { Keys } from "../../shared/keys.ts";
import type { RoutingContextCache } from "../bindings/routing-context.ts";
import type { StrategyWatch } from "./strategy-watch.ts";

/**
 * Tells health which strategies of the current snapshot this process cannot run. Only a process that runs strategies can tell: it
 * has their handlers and secrets, and health may be asked of another one.
 */
export interface StrategyCheck {
  /** Checks the strategies if there is another snapshot, and stores what is known about them for the consumer. */
  report(consumer: string): Promise<void>;
  /** Takes the report back, since the consumer stops. */
  remove(consumer: string): Promise<void>;
}

export interface StrategyCheckDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly routing: RoutingContextCache;
  readonly watch: StrategyWatch;
}

export function strategyCheckOn({ redis, keys, routing, watch }: StrategyCheckDeps): StrategyCheck {
  let checkedVersion: string | undefined;
  return {
    async report(consumer) {
      const context = await routing.latest();
      // Without a snapshot nothing is run, and health says so.
      if ("status" in context) return;
      const { version, strategies } = context.snapshot;
      if (checkedVersion !== version) watch.check(strategies.values());
      checkedVersion = version;
      // Also when nothing is new: a look-up may be over, and Redis may have been emptied.
      await storeReport(redis, keys, { consumer, version, unusable: watch.unusable() });
    },
    remove: async (consumer) => removeReport(redis, keys, consumer),
  };
}
