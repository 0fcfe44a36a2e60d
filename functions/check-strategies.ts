import type { SystemEvent } from "../shared/events.ts";
import type { Strategy } from "../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import { chooseHandler } from "./strategies/choose-handler.ts";

/**
 * One event for each enabled strategy that cannot be run: its handler is not known, or its params do not fit. Events contain
 * no value out of `params`.
 */
export function strategyFaults(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
): SystemEvent[] {
  const events: SystemEvent[] = [];
  for (const strategy of strategies) {
    // What is wrong with a row is an event of its own.
    if (!strategy.enabled || strategy.archived || strategy.faults !== undefined) continue;
    const chosen = chooseHandler(strategy, handlers);
    if (!chosen.ok) events.push(faultEvent(strategy, chosen.fault));
  }
  return events;
}

type CheckedStrategy = Pick<
  Strategy,
  "id" | "name" | "enabled" | "archived" | "handler" | "params" | "faults"
>;

function faultEvent({ id, name, handler }: CheckedStrategy, fault: string): SystemEvent {
  return {
    level: "ERROR",
    source: "refresh-reference",
    message: `strategy ${id} (${name}) cannot be run: ${fault}; its tasks fail until its row is corrected`,
    details: { strategy_id: id, strategy: name, handler, fault },
    actionNeeded: true,
  };
}
