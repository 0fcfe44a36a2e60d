import type { Redis } from "ioredis";
import * as z from "zod";
import type { Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** What an invocation that runs one strategy is for: kept, so that the same call again runs the same, and another one nothing. */
export interface ReservedRun {
  /** What was asked for, as a text to compare. */
  readonly asked: string;
  /** The task. */
  readonly entry: Entry;
}

const reservedSchema = z.object({
  asked: z.string(),
  entry: z.object({ id: z.string(), fields: z.record(z.string(), z.string()) }),
});

/** The run that the invocation is reserved for; undefined when it is not. */
export async function reservedRun(
  redis: Redis,
  keys: Keys,
  invocation: string,
): Promise<ReservedRun | undefined> {
  return runIn(await redis.get(keyOf(keys, invocation)));
}

/** Reserves the invocation for this run, for `ttlMs`; the run that it is reserved for already, if it is. */
export async function reserveRun(
  redis: Redis,
  keys: Keys,
  {
    invocation,
    run,
    ttlMs,
  }: { readonly invocation: string; readonly run: ReservedRun; readonly ttlMs: number },
): Promise<ReservedRun | undefined> {
  const key = keyOf(keys, invocation);
  return runIn(await redis.set(key, JSON.stringify(run), "PX", ttlMs, "NX", "GET"));
}

function runIn(json: string | null): ReservedRun | undefined {
  return json === null ? undefined : reservedSchema.parse(JSON.parse(json));
}

/** Beside the fences of its entries. */
function keyOf(keys: Keys, invocation: string): string {
  return keys.done(invocation, "run");
}
