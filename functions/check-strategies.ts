import type { SystemEvent } from "../shared/events.ts";
import { markedParams, type MarkedParam } from "../shared/marked-params.ts";
import {
  isAddressLiteral,
  literalFault,
  PRIVATE_ADDRESSES_HINT,
  urlFault,
} from "../shared/outgoing-address.ts";
import type { ExecutionReason } from "../shared/reasons.ts";
import type { Strategy } from "../shared/reference/reference.ts";
import { strategyLabel } from "../shared/strategy-label.ts";
import { missingSecretFault, type AnyStrategyHandler } from "../shared/strategy.ts";
import type { UnusableStrategy } from "../shared/unusable-strategy.ts";
import { chooseHandler } from "./strategies/choose-handler.ts";

/**
 * Finds the enabled strategies that cannot be run: the handler is not known, the params do not fit, a secret is not set, or an
 * address would be refused.
 */
export function unusableStrategies(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
  checks: StrategyChecks,
): UnusableStrategy[] {
  return [...strategies].filter(isInUse).flatMap((strategy) => {
    const { id, name, handler } = strategy;
    const found = strategyFaults(strategy, handlers, checks);
    return found.map((fault) => ({ strategyId: id, name, handler, ...fault }));
  });
}

export type CheckedStrategy = Pick<
  Strategy,
  "id" | "name" | "enabled" | "archived" | "handler" | "params" | "faults"
>;

/** What the process that runs strategies has, and allows. */
export interface StrategyChecks {
  /** Whether the variable STRATEGY_SECRET_<NAME> is set. */
  isSecretSet(name: string): boolean;
  /** STRATEGY_PRIVATE_ADDRESSES */
  readonly privateAddresses: boolean;
  /** Why nothing may be sent to this host name, as far as it was looked up; undefined when nothing is known against it. */
  hostFault(hostname: string): string | undefined;
}

/** An event for each of them. */
export function unusableEvents(unusable: readonly UnusableStrategy[]): SystemEvent[] {
  return unusable.map(({ strategyId, name, handler, reason, fault }) => ({
    level: "ERROR",
    source: "refresh-reference",
    message: `${strategyLabel(strategyId, name)} cannot be run: ${fault}; its tasks fail until that is corrected`,
    details: { strategy_id: strategyId, strategy: name, handler, reason, fault },
    actionNeeded: true,
  }));
}

/** The host names that enabled strategies post to, each once; addresses need no look-up. */
export function hostsToLookUp(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
): string[] {
  const marked = [...strategies].filter(isInUse).flatMap((strategy) => {
    const chosen = chooseHandler(strategy, handlers);
    return chosen.ok ? markedParams(chosen.handler.params, strategy.params) : [];
  });
  const hosts = marked
    .filter(({ use, value }) => use === "address" && urlFault(value) === undefined)
    .map(({ value }) => new URL(value).hostname);
  return [...new Set(hosts)].filter((host) => !isAddressLiteral(host));
}

/** What is wrong with a row that cannot be read is reported with the reference. */
function isInUse({ enabled, archived, faults }: CheckedStrategy): boolean {
  return enabled && !archived && faults === undefined;
}

export interface StrategyFault {
  readonly reason: ExecutionReason;
  /** For people; contains no value out of `params`. */
  readonly fault: string;
}

/** Why a strategy cannot be run, whether or not it is in use. */
export function strategyFaults(
  strategy: CheckedStrategy,
  handlers: readonly AnyStrategyHandler[],
  checks: StrategyChecks,
): StrategyFault[] {
  const chosen = chooseHandler(strategy, handlers);
  if (!chosen.ok) return [{ reason: chosen.reason, fault: chosen.fault }];
  const marked = markedParams(chosen.handler.params, strategy.params);
  return marked.flatMap((one) => markFault(one, checks) ?? []);
}

function markFault({ use, value }: MarkedParam, checks: StrategyChecks): StrategyFault | undefined {
  if (use === "secret") {
    if (checks.isSecretSet(value)) return undefined;
    return { reason: "missing_secret", fault: missingSecretFault(value) };
  }
  const invalid = urlFault(value);
  if (invalid !== undefined) return { reason: "invalid_url", fault: `an address in its params: ${invalid}` };
  if (checks.privateAddresses) return undefined;
  const { hostname } = new URL(value);
  const refused = literalFault(hostname) ?? checks.hostFault(hostname);
  if (refused === undefined) return undefined;
  return { reason: "forbidden_address", fault: `${refused}; ${PRIVATE_ADDRESSES_HINT}` };
}
