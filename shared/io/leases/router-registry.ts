import type { Redis } from "ioredis";
import * as z from "zod";
import type { FunctionName } from "../../function-names.ts";
import type { Keys } from "../../keys.ts";
import { readTime } from "../redis/clock.ts";
import { defineScript } from "../redis/connection.ts";
import { BEAT_SCRIPT } from "./group-lease-scripts.ts";

/** A router that runs, or ran a short time ago, as it describes itself in the hash `routers`. */
export interface RouterEntry extends RouterFacts {
  /** Its name in the consumer groups. */
  readonly consumer: string;
  /** When it began, by Redis' clock, milliseconds since 1970. */
  readonly since: number;
  /** Its last sign of life. */
  readonly at: number;
}

/** What a router says about itself. */
export interface RouterFacts {
  readonly functions: readonly string[];
  readonly pid: number;
  readonly host: string;
  /** How often it gives a sign of life, in ms. */
  readonly everyMs: number;
}

/** This router's own entry. */
export interface RouterBeats {
  beat(): Promise<void>;
  /** Whether another router that lives runs this function. */
  hasOther(functionName: FunctionName): Promise<boolean>;
  /** Removes it: the router has stopped. */
  end(): Promise<void>;
}

export function routerBeatsOn(
  redis: Redis,
  keys: Keys,
  { consumer, functions, pid, host, everyMs }: RouterFacts & Pick<RouterEntry, "consumer">,
): RouterBeats {
  const beat = defineScript(redis, "beatRouter", BEAT_SCRIPT);
  const facts = JSON.stringify({ functions, pid, host, every_ms: everyMs }).slice(0, -1);
  let since: number | undefined;
  return {
    async beat() {
      const now = Number(await beat([keys.routers], [consumer, facts, since ?? ""]));
      since ??= now;
    },
    async hasOther(functionName) {
      const [now, routers] = await Promise.all([readTime(redis), readRouters(redis, keys)]);
      return routers.some(
        (one) =>
          one.consumer !== consumer && one.functions.includes(functionName) && !isSilentRouter(one, now),
      );
    },
    async end() {
      await redis.hdel(keys.routers, consumer);
    },
  };
}

const entrySchema = z
  .object({
    functions: z.array(z.string()),
    pid: z.number(),
    host: z.string(),
    every_ms: z.number(),
    since: z.number(),
    at: z.number(),
  })
  .transform(({ every_ms: everyMs, ...entry }) => ({ ...entry, everyMs }));

/** All entries, without those that cannot be read. */
export async function readRouters(redis: Redis, keys: Keys): Promise<RouterEntry[]> {
  const found = Object.entries(await redis.hgetall(keys.routers));
  return found.flatMap(([consumer, text]) => {
    const entry = parseEntry(text);
    return entry === undefined ? [] : [{ consumer, ...entry }];
  });
}

/** So many beats of a router may be missing, at a slow Redis; one that misses more was killed, or cannot reach it. */
const SILENT_BEATS_MAX = 8;
/** For so many beats people see that it is silent. */
const KEPT_BEATS = 60;

/** `now` is Redis' clock; an entry that is far ahead is from before it was set back. */
export function isSilentRouter({ at, everyMs }: Pick<RouterEntry, "at" | "everyMs">, now: number): boolean {
  return Math.abs(now - at) > SILENT_BEATS_MAX * everyMs;
}

/** Removes the entries of routers that ended without doing so, and what cannot be read. `now` is Redis' clock. */
export async function removeDeadRouters(redis: Redis, keys: Keys, now: number): Promise<void> {
  for (const [consumer, text] of Object.entries(await redis.hgetall(keys.routers))) {
    const entry = parseEntry(text);
    if (entry === undefined || Math.abs(now - entry.at) > KEPT_BEATS * entry.everyMs)
      await redis.hdel(keys.routers, consumer);
  }
}

function parseEntry(text: string): Omit<RouterEntry, "consumer"> | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
