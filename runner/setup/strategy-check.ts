import type { Redis } from "ioredis";
import { unusableEvents, unusableStrategies } from "../../functions/check-strategies.ts";
import type { Config } from "../../shared/config/config.ts";
import { removeReport, storeReport, type StoredReport } from "../../shared/io/status/unusable-reports.ts";
import type { Keys } from "../../shared/keys.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import type { RoutingContextCache } from "../bindings/routing-context.ts";
import type { EventLog } from "../telemetry/event-log.ts";

/**
 * Tells health which strategies of the current snapshot this process cannot run. Only a process that runs strategies can tell: it
 * has their handlers, and health may be asked of another one.
 */
export interface StrategyCheck {
  /** Checks the strategies if there is another snapshot, and stores what it found for the consumer. */
  report(consumer: string): Promise<void>;
  /** Takes the report back, since the consumer stops. */
  remove(consumer: string): Promise<void>;
}

export interface StrategyCheckDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly config: Config;
  readonly routing: RoutingContextCache;
  readonly handlers: readonly AnyStrategyHandler[];
  readonly events: EventLog;
}

export function strategyCheckOn({
  redis,
  keys,
  config,
  routing,
  handlers,
  events,
}: StrategyCheckDeps): StrategyCheck {
  let checked: Omit<StoredReport, "consumer"> | undefined;
  return {
    async report(consumer) {
      const context = await routing.latest();
      // Without a snapshot nothing is run, and health says so.
      if ("status" in context) return;
      const { version, strategies } = context.snapshot;
      if (checked?.version !== version) {
        checked = { version, unusable: unusableStrategies(strategies.values(), handlers) };
        // A process that refreshes says so at the refresh.
        if (!config.functions.includes("refresh-reference"))
          for (const event of unusableEvents(checked.unusable)) events.publish(event);
      }
      // Also when it is the same: Redis may have been emptied.
      await storeReport(redis, keys, { consumer, ...checked });
    },
    remove: async (consumer) => removeReport(redis, keys, consumer),
  };
}
