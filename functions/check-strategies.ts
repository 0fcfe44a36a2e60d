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
import { missingSecretFault, type AnyStrategyHandler } from "../shared/strategy.ts";
import { chooseHandler } from "./strategies/choose-handler.ts";

/**
 * Finds the enabled strategies that cannot be run: the handler is not known, the params do not fit, a secret is not set, or an
 * address would be refused.
 */
export function strategyFaults(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
  checks: StrategyChecks,
): StrategyFault[] {
  const faults: StrategyFault[] = [];
  for (const strategy of strategies) {
    if (!strategy.enabled || strategy.archived) continue;
    for (const found of faultsOf(strategy, handlers, checks)) faults.push(faultOf(strategy, found));
  }
  return faults;
}

export type CheckedStrategy = Pick<Strategy, "id" | "name" | "enabled" | "archived" | "handler" | "params">;

/** What the process that runs strategies has, and allows. */
export interface StrategyChecks {
  /** Whether the variable STRATEGY_SECRET_<NAME> is set. */
  isSecretSet(name: string): boolean;
  /** STRATEGY_PRIVATE_ADDRESSES */
  readonly privateAddresses: boolean;
  /** Why nothing may be sent to this host name, as far as it was looked up; undefined when nothing is known against it. */
  hostFault(hostname: string): string | undefined;
}

/** Why a strategy cannot be run. */
export interface StrategyFault {
  readonly strategyId: number;
  readonly name: string;
  readonly handler: string;
  /** That of the tasks which fail because of it. */
  readonly reason: ExecutionReason;
  /** For people; contains no value out of `params`, but for names of secrets and hosts. */
  readonly fault: string;
}

/** The event that reports the fault. */
export function faultEvent({ strategyId, name, handler, reason, fault }: StrategyFault): SystemEvent {
  return {
    level: "ERROR",
    source: "refresh-reference",
    message: `${name} (${strategyId}) cannot be run: ${fault}; its tasks fail until that is corrected`,
    details: { strategy_id: strategyId, strategy: name, handler, reason, fault },
    actionNeeded: true,
  };
}

/** The host names that enabled strategies post to, each once; addresses need no look-up. */
export function hostsToLookUp(
  strategies: Iterable<CheckedStrategy>,
  handlers: readonly AnyStrategyHandler[],
): string[] {
  const hosts = new Set<string>();
  for (const strategy of strategies) {
    if (!strategy.enabled || strategy.archived) continue;
    for (const { use, value } of marksOf(strategy, handlers)) {
      if (use !== "address" || urlFault(value) !== undefined) continue;
      const { hostname } = new URL(value);
      if (!isAddressLiteral(hostname)) hosts.add(hostname);
    }
  }
  return [...hosts];
}

type Found = Pick<StrategyFault, "reason" | "fault">;

function faultOf({ id, name, handler }: CheckedStrategy, found: Found): StrategyFault {
  return { strategyId: id, name, handler, ...found };
}

function faultsOf(
  strategy: CheckedStrategy,
  handlers: readonly AnyStrategyHandler[],
  checks: StrategyChecks,
): Found[] {
  const chosen = chooseHandler(strategy, handlers);
  if (!chosen.ok) return [{ reason: chosen.reason, fault: chosen.fault }];
  return marksOf(strategy, handlers).flatMap((marked) => markFault(marked, checks) ?? []);
}

/** Empty when the strategy cannot be run for another reason. */
function marksOf(strategy: CheckedStrategy, handlers: readonly AnyStrategyHandler[]): MarkedParam[] {
  const chosen = chooseHandler(strategy, handlers);
  return chosen.ok ? markedParams(chosen.handler.params, strategy.params) : [];
}

function markFault({ use, value }: MarkedParam, checks: StrategyChecks): Found | undefined {
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
