import type { Logger } from "pino";
import type { RunPorts } from "../../functions/strategies/run-handler.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";

export interface StrategyPortsDeps {
  readonly config: Pick<Config, "strategyPrivateAddresses">;
  readonly logger: Logger;
  readonly secrets: Secrets;
}

/** What strategies reach the world with, as this process is set up. */
export function strategyPortsOf({ config, logger, secrets }: StrategyPortsDeps): StrategyPorts {
  return {
    post: outgoingPost({ privateAddresses: config.strategyPrivateAddresses }),
    secretOf: (name) => secrets.valueOf(name),
    redact: (text) => secrets.redact(text),
    log: (task, message, details) =>
      logger.info({ source: "strategy", strategy: task.strategyId, uid: task.uid, ...details }, message),
  };
}

/** What strategies reach the world with. */
export type StrategyPorts = Pick<RunPorts, "post" | "secretOf" | "redact" | "log">;
