import type { Redis } from "ioredis";
import { findStrategy } from "../../shared/find-strategy.ts";
import { strategyRowsOn } from "../../shared/io/status/strategy-rows.ts";
import type { Keys } from "../../shared/keys.ts";
import { CliError } from "./connection.ts";

/** The id of the strategy that was typed, by id or name. @throws CliError for a name that none has, or several have */
export async function namedStrategy(
  { redis, keys }: { readonly redis: Redis; readonly keys: Keys },
  typed: string,
): Promise<number> {
  const rows = await strategyRowsOn(redis, keys)(await redis.get(keys.referenceCurrent));
  const found = findStrategy(typed, rows);
  if (found.ok) return found.id;
  const advice =
    found.found === "several" ? "" : "; type the id or name of a strategy, or nothing for all of them";
  throw new CliError(found.fault + advice);
}
