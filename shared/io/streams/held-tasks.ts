import type { Redis } from "ioredis";
import { entryTime, fieldsOf, type Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { logRowsOf, type AttemptRow } from "../../log-rows.ts";
import { readGroupInfos } from "./group-info.ts";
import { fieldsOfGroup, isHeartbeatValid } from "./in-flight-heartbeats.ts";
import { GroupMissingError, namingMissingGroup, readPending, type PendingEntry } from "./pending-entries.ts";
import { entryPages } from "./read-entries.ts";

/** A task that was delivered to a consumer and is not finished. */
export interface HeldTask {
  readonly pending: PendingEntry;
  /** Undefined when it is no longer in the stream. */
  readonly entry: Entry | undefined;
  /** Whether its consumer gives heartbeats. */
  readonly isLiving: boolean;
}

export interface HeldTasksOptions {
  /** Id to begin at; one that begins with `(` is left out. */
  readonly from: string;
  readonly countMax: number;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

const HIGHEST_ID = "18446744073709551615-18446744073709551615";
const TASKS = { stream: "strategy_input_stream", group: "strategy_executor" } as const;

/** What `execute-strategies` has in flight, oldest first; nothing without its group. */
export async function readHeldTasks(
  redis: Redis,
  keys: Keys,
  { from, countMax, now }: HeldTasksOptions,
): Promise<HeldTask[]> {
  // Redis answers with an error when asked for what comes after the last possible id.
  if (from === `(${HIGHEST_ID}`) return [];
  const key = keys.stream(TASKS.stream);
  const group = keys.group(TASKS.group);
  const pending = await namingMissingGroup(readPending(redis, { key, group, from, countMax })).catch(
    noneWithoutGroup,
  );
  if (pending.length === 0) return [];
  const consumers = [...new Set(pending.map(({ consumer }) => consumer))];
  const [entries, heartbeats] = await Promise.all([
    Promise.all(pending.map(async ({ id }) => redis.xrange(key, id, id))),
    redis.hmget(keys.heartbeats, ...consumers.map((consumer) => fieldsOfGroup(TASKS) + consumer)),
  ]);
  const living = new Set(consumers.filter((_, at) => isHeartbeatValid(heartbeats[at] ?? null, now)));
  return pending.map((one, at): HeldTask => {
    const [raw] = entries[at] ?? [];
    const entry = raw === undefined ? undefined : { id: raw[0], fields: fieldsOf(raw[1]) };
    return { pending: one, entry, isLiving: living.has(one.consumer) };
  });
}

/** How many tasks no consumer has read yet; null when Redis does not know, 0 without the group. */
export async function undeliveredTasks(redis: Redis, keys: Keys): Promise<number | null> {
  const groups = await readGroupInfos(redis, keys.stream(TASKS.stream));
  const found = groups.find(({ name }) => name === keys.group(TASKS.group));
  return found === undefined ? 0 : found.lag;
}

/** Records of `signal_results` that are looked at for attempts. */
const SCANNED_MAX = 5_000;

/** The published attempts of these tasks, by `part`, from a time in milliseconds since 1970 on: there is no key that finds them. */
export async function publishedAttempts(
  redis: Redis,
  keys: Keys,
  { parts, since }: { readonly parts: ReadonlySet<string>; readonly since: number },
): Promise<Map<string, AttemptRow>> {
  const found = new Map<string, AttemptRow>();
  if (parts.size === 0) return found;
  let scanned = 0;
  const range = { from: `${Math.max(0, Math.floor(since))}-0`, to: "+" };
  for await (const page of entryPages(redis, keys.stream("signal_results"), range)) {
    for (const entry of page) {
      if (found.size === parts.size || scanned === SCANNED_MAX) return found;
      scanned += 1;
      if (entry.fields["kind"] !== "attempt") continue;
      const parsed = logRowsOf(entry, "signal_results");
      const [attempt] = parsed.ok ? parsed.rows.attempts : [];
      if (attempt !== undefined && parts.has(attempt.part)) found.set(attempt.part, attempt);
    }
  }
  return found;
}

/** The time from which tasks can be about entries of `signals_stream` with these ids. */
export function earliestTask(entryIds: readonly string[]): string {
  return `${Math.min(...entryIds.map(entryTime))}-0`;
}

function noneWithoutGroup(error: unknown): PendingEntry[] {
  if (error instanceof GroupMissingError) return [];
  throw error;
}
