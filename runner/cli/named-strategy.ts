import type { Redis } from "ioredis";
import { strategyRowsOn } from "../../shared/io/status/strategy-rows.ts";
import type { Keys } from "../../shared/keys.ts";
import { isStrategyId, namedStrategy as strategyNamed } from "../../shared/named-strategy.ts";
import { CliError } from "./connection.ts";

/**
 * The id of the strategy that was typed: an id as it is, which need not be in the reference; else the name of a strategy of the
 * current snapshot. Needs no Postgres. @throws CliError for a name that none has, or several have
 */
export async function namedStrategy(
  { redis, keys }: { readonly redis: Redis; readonly keys: Keys },
  typed: string,
): Promise<number> {
  if (isStrategyId(typed)) return Number(typed);
  const rows = await strategyRowsOn(redis, keys)(await redis.get(keys.referenceCurrent));
  const found = strategyNamed(
    typed,
    [...rows].map(([id, { name }]) => ({ id, name })),
  );
  if (found.ok) return found.strategy.id;
  throw new CliError(`${found.text}; or type nothing for all of them`);
}
