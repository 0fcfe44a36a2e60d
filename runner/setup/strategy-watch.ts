import {
  hostsToLookUp,
  unusableEvents,
  unusableStrategies,
  type CheckedStrategy,
  type StrategyChecks,
} from "../../functions/check-strategies.ts";
import type { SystemEvent } from "../../shared/events.ts";
import type { HostVerdict } from "../../shared/io/http-client/host-verdict.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import type { UnusableStrategy } from "../../shared/unusable-strategy.ts";

/**
 * Checks at each refresh whether this process can run the strategies, and reports each fault once. Host names are looked up
 * meanwhile, one after the other: a refresh never waits for that.
 */
export function strategyWatchOver({
  handlers,
  checks,
  verdictOn,
  publish,
}: StrategyWatchOptions): StrategyWatch {
  let strategies: readonly CheckedStrategy[] = [];
  /** Host names that are known to be refused, with the reason. A failed look-up changes nothing here. */
  const refused = new Map<string, string>();
  const undecided = new Set<string>();
  let reported = new Set<string>();
  let lookUps = Promise.resolve();
  let isLookingUp = false;

  let unusable: readonly UnusableStrategy[] = [];

  /** Finds what cannot be run now, and reports what is new. */
  function update(): void {
    const hostFault = (hostname: string): string | undefined => refused.get(hostname);
    unusable = unusableStrategies(strategies, handlers, { ...checks, hostFault });
    const keyOf = (one: UnusableStrategy): string => JSON.stringify(one);
    const added = unusable.filter((one) => !reported.has(keyOf(one)));
    for (const event of unusableEvents(added)) publish(event);
    reported = new Set(unusable.map(keyOf));
  }

  function learn(host: string, verdict: HostVerdict): void {
    if (verdict.status === "undecided") {
      if (!undecided.has(host)) publish(undecidedEvent(host, verdict.why));
      undecided.add(host);
      return;
    }
    undecided.delete(host);
    if (verdict.status === "refused") refused.set(host, verdict.fault);
    else refused.delete(host);
  }

  async function lookUp(): Promise<void> {
    for (const host of hostsToLookUp(strategies, handlers)) learn(host, await verdictOn(host));
    update();
  }

  return {
    check(read) {
      strategies = [...read];
      update();
      if (!checks.privateAddresses && !isLookingUp) {
        isLookingUp = true;
        lookUps = lookUp().finally(() => {
          isLookingUp = false;
        });
      }
      return unusable;
    },
    unusable: () => unusable,
    hostsLookedUp: async () => lookUps,
  };
}

export interface StrategyWatchOptions {
  readonly handlers: readonly AnyStrategyHandler[];
  readonly checks: Omit<StrategyChecks, "hostFault">;
  /** Looks a host name up; never rejects. */
  readonly verdictOn: (hostname: string) => Promise<HostVerdict>;
  readonly publish: (event: SystemEvent) => void;
}

export interface StrategyWatch {
  /** Checks the strategies as they were just read; reports what is new, and what the look-ups find when they are over. */
  check(strategies: Iterable<CheckedStrategy>): readonly UnusableStrategy[];
  /** The strategies that this process cannot run, as far as is known now. */
  unusable(): readonly UnusableStrategy[];
  /** Resolves when the look-ups under way are over. */
  hostsLookedUp(): Promise<void>;
}

/** Not a fault: the name may be resolved again by the next signal, and until then its runs are tried again. */
function undecidedEvent(host: string, why: string): SystemEvent {
  return {
    level: "WARNING",
    source: "refresh-reference",
    message: `the host ${host}, which strategies post to, cannot be looked up: ${why}; their tasks are retried until it can`,
    details: { host, why },
  };
}
