import type { Redis } from "ioredis";
import type { GroupName, Keys, StrategyStream, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { pagesOf } from "./pages.ts";

/**
 * One consumer's tasks. Redis' delivery count is the number of attempts that were started, so that after a crash it is known
 * which tasks may have caused it: those that were only waiting have none.
 */
export interface TaskClaims {
  /** Marks tasks as delivered and not started; to be called before the first of them is started. */
  markDelivered(ids: readonly string[]): Promise<void>;
  /** Starts an attempt. */
  begin(id: string): Promise<StartedAttempt>;
}

/** What Redis says about a task whose attempt was started. */
export interface StartedAttempt {
  /** Attempts started, with this one; undefined when none was, because the task is no longer pending for this consumer. */
  readonly attempt: number | undefined;
  /** Current snapshot version, empty when there is none. */
  readonly version: string;
  /** Current control epoch. */
  readonly epoch: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3… entry ids. Sets the deliveries of the consumer's own entries to 0. XCLAIM of
 * a deleted entry would remove it from the pending list.
 */
const MARK_DELIVERED_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
for i = 3, #ARGV do
  local id = ARGV[i]
  local own = #redis.call('XPENDING', stream, group, id, id, 1, consumer) == 1
  if own and #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', 0, 'JUSTID')
  end
end
`;

/**
 * KEYS 1 the stream, 2 reference:current, 3 control. ARGV 1 group, 2 consumer, 3 entry id. Returns attempts with this one (0: the
 * entry is not pending for the consumer), version, epoch, Redis' time in ms.
 */
const BEGIN_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)
local attempt = 0
if #pending == 1 then
  attempt = pending[1][4] + 1
  if #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', attempt, 'JUSTID')
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return { attempt, redis.call('GET', KEYS[2]) or '', redis.call('HGET', KEYS[3], 'epoch') or '0', now }
`;

/** Tasks that one script marks: about 1 ms. */
const PAGE_COUNT = 64;

export interface TaskClaimsOptions {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
}

/** The tasks of `consumer` in a group, over a connection for commands. */
export function taskClaimsOn(
  redis: Redis,
  keys: Keys,
  { stream, group: name, consumer }: TaskClaimsOptions,
): TaskClaims {
  const group = keys.group(name);
  const markTasksDelivered = defineScript(redis, "markTasksDelivered", MARK_DELIVERED_SCRIPT);
  const beginTask = defineScript(redis, "beginTask", BEGIN_SCRIPT);
  const key = keys.stream(stream);
  return {
    async markDelivered(ids) {
      // All are sent at once, so that they are there before any of these tasks is started.
      await Promise.all(
        pagesOf(ids, PAGE_COUNT).map(async (page) => markTasksDelivered([key], [group, consumer, ...page])),
      );
    },
    async begin(id) {
      const reply = await beginTask([key, keys.referenceCurrent, keys.control], [group, consumer, id]);
      const [attempt, version, epoch, now] = reply as [number, string, string, number];
      return { attempt: attempt === 0 ? undefined : attempt, version, epoch, now };
    },
  };
}

/** Why nothing can be added to this stream; undefined when it can. */
export async function streamProblem(
  redis: Redis,
  keys: Keys,
  stream: StrategyStream,
): Promise<string | undefined> {
  const key = keys.stream(stream);
  const type = await redis.type(key);
  return type === "stream" || type === "none"
    ? undefined
    : `Redis key ${key} is a ${type}, expected a stream`;
}
