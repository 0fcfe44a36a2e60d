import type { SystemEvent } from "../shared/events.ts";
import type { Strategy } from "../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import { chooseHandler } from "./strategies/choose-handler.ts";

/** What of a strategy is looked at. */
type Checked = Pick<Strategy, "id" | "name" | "enabled" | "archived" | "handler" | "params">;

/**
 * One event per enabled strategy that could not be run: its handler is not known, or its params do not fit. No value out of
 * `params` is in them.
 */
export function strategyFaults(
  strategies: Iterable<Checked>,
  handlers: readonly AnyStrategyHandler[],
): SystemEvent[] {
  const events: SystemEvent[] = [];
  for (const strategy of strategies) {
    if (!strategy.enabled || strategy.archived) continue;
    const chosen = chooseHandler(strategy, handlers);
    if (!chosen.ok) events.push(faultEvent(strategy, chosen.fault));
  }
  return events;
}

function faultEvent({ id, name, handler }: Checked, fault: string): SystemEvent {
  return {
    level: "ERROR",
    source: "refresh-reference",
    message: `strategy ${id} (${name}) cannot be run: ${fault}; its tasks fail until that is put right`,
    details: { strategy_id: id, strategy: name, handler, fault },
    actionNeeded: true,
  };
}
