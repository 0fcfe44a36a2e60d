import type { Redis } from "ioredis";
import * as z from "zod";
import type { Keys } from "../../keys.ts";
import type { UnusableStrategy } from "../../unusable-strategy.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * Which strategies each process that runs tasks cannot run: only such a process has the handlers and the secrets to tell. One
 * field per consumer; a consumer that no longer reads is left out by health, and removed with its heartbeat.
 */
export interface StoredReport {
  readonly consumer: string;
  /** Version of the snapshot that was checked. */
  readonly version: string;
  readonly unusable: readonly UnusableStrategy[];
}

/** KEYS 1 the reports. ARGV 1 consumer, 2 its report. Writes it unless it is there already. */
const REPORT_SCRIPT = `#!lua flags=allow-oom
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
`;

/** Stores the report of a consumer; costs no write while nothing has changed. */
export async function storeReport(
  redis: Redis,
  keys: Keys,
  { consumer, ...report }: StoredReport,
): Promise<void> {
  const script = defineScript(redis, "reportUnusable", REPORT_SCRIPT);
  await script([keys.unusableStrategies], [consumer, JSON.stringify(report)]);
}

/** Removes the report of a consumer that stops. */
export async function removeReport(redis: Redis, keys: Keys, consumer: string): Promise<void> {
  await redis.hdel(keys.unusableStrategies, consumer);
}

/** Removes the reports of consumers that ended without doing so. */
export async function removeOrphanedReports(
  redis: Redis,
  keys: Keys,
  consumers: ReadonlySet<string>,
): Promise<void> {
  const orphaned = (await redis.hkeys(keys.unusableStrategies)).filter(
    (consumer) => !consumers.has(consumer),
  );
  if (orphaned.length > 0) await redis.hdel(keys.unusableStrategies, ...orphaned);
}

export async function readReports(redis: Redis, keys: Keys): Promise<StoredReport[]> {
  const fields = Object.entries(await redis.hgetall(keys.unusableStrategies));
  return fields.flatMap(([consumer, text]) => {
    const parsed = reportSchema.safeParse(jsonIn(text));
    return parsed.success ? [{ consumer, ...parsed.data }] : [];
  });
}

/** What a process reports about the strategies that it cannot run. */
export const reportSchema = z.object({
  version: z.string(),
  unusable: z.array(
    z.object({
      strategyId: z.int(),
      name: z.string(),
      handler: z.string(),
      reason: z.string(),
      fault: z.string(),
    }),
  ),
});

/** Another version of the router may have written something else. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
