import type { Redis } from "ioredis";
import type { Keys, OrderedGroup, StrategyStream, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * One consumer's tasks. Redis' delivery count is the number of attempts that were started, so that after a crash it is known
 * which tasks may have caused it: those that were only waiting have none.
 */
export interface TaskClaims {
  /** Starts an attempt. A first one only for the runner whose token is that of the group's lease. */
  begin(id: string, token: string): Promise<StartedAttempt>;
}

/** What Redis says about a task whose attempt was started. */
export interface StartedAttempt {
  /**
   * Attempts started, with this one; undefined when none was, because the task is no longer pending for this consumer, or it is the
   * first one and another runner holds the group.
   */
  readonly attempt: number | undefined;
  /** Current snapshot version, empty when there is none. */
  readonly version: string;
  /** Current control epoch. */
  readonly epoch: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** Token of the runner that holds the group, empty when none does. */
  readonly token: string;
}

/**
 * KEYS 1 the stream, 2 reference:current, 3 control, 4 the lease of the group. ARGV 1 group, 2 consumer, 3 entry id, 4 token. Returns
 * attempts with this one (0: the entry is not pending for the consumer, or it would be the first one and the token is not that of the
 * lease: then it could overtake a task that the group's holder has), version, epoch, Redis' time in ms, token of the lease.
 */
const BEGIN_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local token = redis.call('HGET', KEYS[4], 'token') or ''
local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)
local attempt = 0
if #pending == 1 and (pending[1][4] > 0 or token ~= '' and token == ARGV[4]) then
  attempt = pending[1][4] + 1
  if #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', attempt, 'JUSTID')
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return { attempt, redis.call('GET', KEYS[2]) or '', redis.call('HGET', KEYS[3], 'epoch') or '0', now, token }
`;

export interface TaskClaimsOptions {
  readonly stream: StreamName;
  readonly group: OrderedGroup;
  readonly consumer: string;
}

/** The tasks of `consumer` in a group, over a connection for commands. */
export function taskClaimsOn(
  redis: Redis,
  keys: Keys,
  { stream, group: name, consumer }: TaskClaimsOptions,
): TaskClaims {
  const group = keys.group(name);
  const beginTask = defineScript(redis, "beginTask", BEGIN_SCRIPT);
  const keyNames = [keys.stream(stream), keys.referenceCurrent, keys.control, keys.groupLease(name)];
  return {
    async begin(id, token) {
      const reply = await beginTask(keyNames, [group, consumer, id, token]);
      const [attempt, version, epoch, now, holder] = reply as [number, string, string, number, string];
      return { attempt: attempt === 0 ? undefined : attempt, version, epoch, now, token: holder };
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
