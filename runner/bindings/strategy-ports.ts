import type { Logger } from "pino";
import type { StrategyChecks } from "../../functions/check-strategies.ts";
import type { RunPorts } from "../../functions/strategies/run-handler.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";
import { keyedLimit, type KeyedLimit } from "../../shared/keyed-limit.ts";
import { printable } from "../../shared/text.ts";

/** What strategies reach the outside world with. */
export interface StrategyPorts extends Pick<RunPorts, "post" | "secretOf" | "redact" | "log"> {
  /** Lets as many runs post to a host at a time as it may have connections; undefined: there is no limit. */
  readonly hostLimit?: KeyedLimit<string> | undefined;
}

export interface StrategyPortsDeps {
  readonly config: Pick<Config, "strategyPrivateAddresses" | "strategyConnectionsPerHostMax">;
  readonly logger: Logger;
  readonly secrets: Secrets;
}

/** The ports as this process is configured. */
export function strategyPortsOf({ config, logger, secrets }: StrategyPortsDeps): StrategyPorts {
  const { strategyPrivateAddresses: privateAddresses, strategyConnectionsPerHostMax: perHostMax } = config;
  return {
    post: outgoingPost({ privateAddresses, connectionsPerHostMax: perHostMax }),
    hostLimit: perHostMax === undefined ? undefined : keyedLimit(perHostMax),
    secretOf: (name) => secrets.valueOf(name),
    redact: (text) => secrets.redact(text),
    log: ({ strategyId, strategy, uid }, message, details) =>
      logger.info(
        { source: "strategy", strategy: strategyId, name: printable(strategy), uid, ...details },
        message,
      ),
  };
}

/** What strategies are checked against before they are run, as this process is configured. */
export function strategyChecksOf({
  config,
  secrets,
}: Omit<StrategyPortsDeps, "logger">): Omit<StrategyChecks, "hostFault"> {
  return {
    isSecretSet: (name) => secrets.valueOf(name) !== undefined,
    privateAddresses: config.strategyPrivateAddresses,
  };
}
