import { closest } from "fastest-levenshtein";
import type { Redis } from "ioredis";
import { strategyRowsOn } from "../../shared/io/status/strategy-rows.ts";
import type { Keys } from "../../shared/keys.ts";
import { CliError } from "./connection.ts";

/**
 * The id of the strategy that was typed: an id as it is, which need not be in the reference; else the name of a strategy of the
 * current snapshot. Needs no Postgres. @throws CliError for a name that none has, or several have
 */
export async function namedStrategy(
  { redis, keys }: { readonly redis: Redis; readonly keys: Keys },
  typed: string,
): Promise<number> {
  if (/^[1-9]\d{0,9}$/.test(typed)) return Number(typed);
  const rows = await strategyRowsOn(redis, keys)(await redis.get(keys.referenceCurrent));
  const found = [...rows].filter(([, { name }]) => name === typed).map(([id]) => id);
  const [id, ...more] = found;
  if (id === undefined) {
    const names = [...rows.values()].map(({ name }) => name);
    const hint =
      names.length === 0 ? "the router has no strategies yet" : `the closest is "${closest(typed, names)}"`;
    throw new CliError(
      `no strategy has the name "${typed}": ${hint}; type the id or name of a strategy, or nothing for all of them`,
    );
  }
  if (more.length > 0)
    throw new CliError(
      `several strategies have the name "${typed}": type one of the ids ${found.join(", ")}`,
    );
  return id;
}
