import type { Redis } from "ioredis";
import { unusableStrategies } from "../../functions/check-strategies.ts";
import { markedAddresses } from "../../functions/strategies/marked-addresses.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { referenceEditsOn, type ReferenceEdits } from "../../shared/io/reference-edits/reference-edits.ts";
import { strategyUseOn } from "../../shared/io/reference-edits/strategy-use.ts";
import type { Keys } from "../../shared/keys.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { strategyChecksOf } from "./strategy-ports.ts";

/** Edits of the reference as this process can check them: a process that runs no strategies does not know their handlers. */
export function referenceEditsFor({ database, redis, keys, handlers, ...deps }: EditsDeps): ReferenceEdits {
  const checks = { ...strategyChecksOf(deps), hostFault: () => undefined };
  const runsStrategies = deps.config.functions.includes("execute-strategies");
  return referenceEditsOn(database, {
    useOf: strategyUseOn(redis, keys),
    addressesIn: (strategy) => markedAddresses(strategy, handlers),
    ...(runsStrategies ? { unusable: (read) => unusableStrategies(read, handlers, checks) } : {}),
  });
}

export interface EditsDeps {
  readonly database: Database;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly handlers: readonly AnyStrategyHandler[];
  readonly config: Config;
  readonly secrets: Secrets;
}
