import type { Redis } from "ioredis";
import * as z from "zod";
import type { Keys } from "../../keys.ts";
import { strategySchema } from "../../reference/reference.ts";
import { rowVersion } from "../../reference/row-version.ts";
import { readHashes } from "../redis/read-hash.ts";

/** What people call a strategy of the current snapshot, and which version its row has. */
export interface StrategyRow {
  readonly name: string;
  readonly row: string;
}

export type StrategyRows = ReadonlyMap<number, StrategyRow>;

/** Reads the strategies of a version. A version never changes, so it is read once and kept until there is another. */
export function strategyRowsOn(redis: Redis, keys: Keys): (version: string | null) => Promise<StrategyRows> {
  let kept: { readonly version: string; readonly rows: StrategyRows } | undefined;
  return async (version) => {
    if (version === null) return new Map();
    if (kept?.version === version) return kept.rows;
    const [fields = {}] = await readHashes(redis, [keys.reference(version, "strategies")]);
    const rows = new Map(Object.entries(fields).flatMap(([id, json]) => rowIn(id, json)));
    // An incomplete version is written again under the same name.
    if (rows.size > 0) kept = { version, rows };
    return rows;
  };
}

/** The name of a strategy in the current snapshot; undefined when it has none such. */
export async function strategyNameOf(redis: Redis, keys: Keys, strategyId: number): Promise<NamedIn> {
  const version = await redis.get(keys.referenceCurrent);
  if (version === null) return { version, name: undefined };
  const json = await redis.hget(keys.reference(version, "strategies"), String(strategyId));
  return { version, name: json === null ? undefined : rowIn(String(strategyId), json)[0]?.[1].name };
}

export interface NamedIn {
  /** Of the current snapshot; null when there is none. */
  readonly version: string | null;
  readonly name: string | undefined;
}

function rowIn(id: string, json: string): [number, StrategyRow][] {
  try {
    const strategy = strategySchema.parse(JSON.parse(json));
    return [[Number(id), { name: strategy.name, row: rowVersion(strategy) }]];
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return [];
    throw error;
  }
}
