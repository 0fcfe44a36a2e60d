import { closest } from "fastest-levenshtein";
import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { strategyRowsOn } from "./strategy-rows.ts";

/**
 * The id of the strategy that a person means: an id as it is, which need not be in the reference; else the name of a strategy of
 * the current snapshot. Needs no Postgres.
 */
export async function findStrategy(
  { redis, keys }: { readonly redis: Redis; readonly keys: Keys },
  given: string,
): Promise<FoundStrategy> {
  if (/^[1-9]\d{0,9}$/.test(given)) return { ok: true, id: Number(given) };
  const rows = await strategyRowsOn(redis, keys)(await redis.get(keys.referenceCurrent));
  const found = [...rows].filter(([, { name }]) => name === given).map(([id]) => id);
  const [id, ...more] = found;
  if (id === undefined) {
    const names = [...rows.values()].map(({ name }) => name);
    const hint =
      names.length === 0 ? "the router has no strategies yet" : `the closest is "${closest(given, names)}"`;
    return { ok: false, error: `no strategy has the name "${given}": ${hint}` };
  }
  if (more.length === 0) return { ok: true, id };
  return {
    ok: false,
    error: `several strategies have the name "${given}": type one of the ids ${found.join(", ")}`,
  };
}

/** The strategy, or why none is meant, for people. */
export type FoundStrategy =
  | { readonly ok: true; readonly id: number }
  | { readonly ok: false; readonly error: string };
