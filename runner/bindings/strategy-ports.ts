import type { Logger } from "pino";
import type { RunPorts } from "../../functions/strategies/run-handler.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";
import { printable } from "../../shared/text.ts";

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
    log: ({ strategyId, strategy, uid }, message, details) =>
      logger.info(
        { source: "strategy", strategy: strategyId, name: printable(strategy), uid, ...details },
        message,
      ),
  };
}
