import type { SystemEvent } from "../shared/events.ts";
import type { Strategy } from "../shared/reference/reference.ts";
import { strategyLabel } from "../shared/strategy-label.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import type { UnusableStrategy } from "../shared/unusable-strategy.ts";
import { chooseHandler } from "./strategies/choose-handler.ts";

/** The enabled strategies that cannot be run: the handler is not known, or the params do not fit. */
export function unusableStrategies(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
): UnusableStrategy[] {
  const found: UnusableStrategy[] = [];
  for (const strategy of strategies) {
    const { id, name, enabled, archived, handler } = strategy;
    // What is wrong with a row is an event of its own.
    if (!enabled || archived || strategy.faults !== undefined) continue;
    const chosen = chooseHandler(strategy, handlers);
    if (chosen.ok) continue;
    found.push({ strategyId: id, name, handler, reason: chosen.reason, fault: chosen.fault });
  }
  return found;
}

type CheckedStrategy = Pick<
  Strategy,
  "id" | "name" | "enabled" | "archived" | "handler" | "params" | "faults"
>;

/** An event for each of them. */
export function unusableEvents(unusable: readonly UnusableStrategy[]): SystemEvent[] {
  return unusable.map(({ strategyId, name, handler, fault }) => ({
    level: "ERROR",
    source: "refresh-reference",
    message: `${strategyLabel(strategyId, name)} cannot be run: ${fault}; its tasks fail until its row is corrected`,
    details: { strategy_id: strategyId, strategy: name, handler, fault },
    actionNeeded: true,
  }));
}
