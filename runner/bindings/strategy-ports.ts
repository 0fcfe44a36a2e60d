import type { Logger } from "pino";
import type { StrategyChecks } from "../../functions/check-strategies.ts";
import type { RunPorts } from "../../functions/strategies/run-handler.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";

/** What strategies reach the outside world with. */
export type StrategyPorts = Pick<RunPorts, "post" | "secretOf" | "redact" | "log">;

export interface StrategyPortsDeps {
  readonly config: Pick<Config, "strategyPrivateAddresses">;
  readonly logger: Logger;
  readonly secrets: Secrets;
}

/** The ports as this process is configured. */
export function strategyPortsOf({ config, logger, secrets }: StrategyPortsDeps): StrategyPorts {
  return {
    post: outgoingPost({ privateAddresses: config.strategyPrivateAddresses }),
    secretOf: (name) => secrets.valueOf(name),
    redact: (text) => secrets.redact(text),
    log: (task, message, details) =>
      logger.info({ source: "strategy", strategy: task.strategyId, uid: task.uid, ...details }, message),
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
