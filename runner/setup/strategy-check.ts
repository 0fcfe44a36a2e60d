import type { Redis } from "ioredis";
import type { Config } from "../../shared/config/config.ts";
import { removeReport, storeReport } from "../../shared/io/status/unusable-reports.ts";
import type { Keys } from "../../shared/keys.ts";
import type { RoutingContextCache } from "../bindings/routing-context.ts";
import type { StrategyWatch } from "./strategy-watch.ts";

/**
 * Tells health which strategies of the current snapshot this process cannot run. Only a process that runs strategies can tell: it
 * has their handlers and secrets, and health may be asked of another one.
 */
export interface StrategyCheck {
  /** Checks the strategies when it is time, and stores what is known about them for the consumer. */
  report(consumer: string): Promise<void>;
  /** Takes the report back, since the consumer stops. */
  remove(consumer: string): Promise<void>;
}

export interface StrategyCheckDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly config: Pick<Config, "referenceRefreshMs">;
  readonly routing: RoutingContextCache;
  readonly watch: StrategyWatch;
}

export function strategyCheckOn({ redis, keys, config, routing, watch }: StrategyCheckDeps): StrategyCheck {
  let checked = { version: "", at: -Infinity };
  return {
    async report(consumer) {
      const context = await routing.latest();
      // Without a snapshot nothing is run, and health says so.
      if ("status" in context) return;
      const { version, strategies } = context.snapshot;
      const now = performance.now();
      // Also when it is the same: host names may have other addresses by now.
      if (checked.version !== version || now - checked.at > config.referenceRefreshMs) {
        watch.check(strategies.values());
        checked = { version, at: now };
      }
      // Also when it is the same: Redis may have been emptied.
      await storeReport(redis, keys, { consumer, version, unusable: watch.unusable() });
    },
    remove: async (consumer) => removeReport(redis, keys, consumer),
  };
}
