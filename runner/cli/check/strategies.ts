import {
  hostsToLookUp,
  unusableStrategies,
  type CheckedStrategy,
} from "../../../functions/check-strategies.ts";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import type { Config } from "../../../shared/config/config.ts";
import { fault, ok, warning, type Remark } from "../../../shared/config/remark.ts";
import type { Secrets } from "../../../shared/config/secrets.ts";
import { hostVerdict, type HostVerdict } from "../../../shared/io/http-client/host-verdict.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { strategyChecksOf } from "../../bindings/strategy-ports.ts";

/** Checks every enabled strategy as the process that runs them does, with the secrets of this environment. */
export async function strategyRemarks(
  all: Iterable<CheckedStrategy>,
  { config, secrets }: { readonly config: Config; readonly secrets: Secrets },
): Promise<readonly Remark[]> {
  const strategies = [...all].filter(({ enabled, archived }) => enabled && !archived);
  const verdicts = config.strategyPrivateAddresses
    ? new Map<string, HostVerdict>()
    : await verdictsOn(strategies);
  const unusable = unusableStrategies(strategies, HANDLERS, {
    ...strategyChecksOf({ config, secrets }),
    hostFault(hostname) {
      const verdict = verdicts.get(hostname);
      return verdict?.status === "refused" ? verdict.fault : undefined;
    },
  });
  const ids = new Set(unusable.map(({ strategyId }) => strategyId));
  const undecided = [...verdicts].flatMap(([host, verdict]) =>
    verdict.status === "undecided"
      ? [warning(`the host ${host}, which strategies post to, cannot be looked up: ${verdict.why}`)]
      : [],
  );
  // What is wrong with a row is said of the reference.
  const usable = strategies.filter(({ id, faults }) => faults === undefined && !ids.has(id)).length;
  return [
    ...(usable > 0 ? [ok(`${usable} of ${strategies.length} enabled strategies can be run`)] : []),
    ...(strategies.length === 0 ? [warning("no strategy is enabled, so no signal is dispatched")] : []),
    ...unusable.map((one) => fault(`${strategyLabel(one.strategyId, one.name)} cannot be run: ${one.fault}`)),
    ...undecided,
  ];
}

/** At once: the look-ups of a command that ends keep nothing waiting. */
async function verdictsOn(strategies: readonly CheckedStrategy[]): Promise<Map<string, HostVerdict>> {
  const hosts = hostsToLookUp(strategies, HANDLERS);
  return new Map(await Promise.all(hosts.map(async (host) => [host, await hostVerdict(host)] as const)));
}
