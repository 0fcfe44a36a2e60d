import type { Redis } from "ioredis";
import type { Keys } from "../../shared/keys.ts";

/**
 * KEYS 1 the stream. ARGV 1 group, 2 part of the consumer's name, 3 idle time in ms. Removes the consumer that has entries pending,
 * unless one of them has been idle for so long: then its process may never have received it, and nobody could know of it.
 * Returns the number of entries dropped.
 */
const DROP_SCRIPT = `#!lua
local stream, group = KEYS[1], ARGV[1]
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local facts = {}
  for f = 1, #info, 2 do facts[info[f]] = info[f + 1] end
  if facts['pending'] > 0 and string.find(facts['name'], ARGV[2], 1, true) then
    if #redis.call('XPENDING', stream, group, 'IDLE', ARGV[3], '-', '+', 1, facts['name']) > 0 then return 0 end
    return redis.call('XGROUP', 'DELCONSUMER', stream, group, facts['name'])
  end
end
return 0
`;
const IDLE_MS_MAX = 300;

/** Removes the consumer of the process from a group while it works; false when it had nothing in flight. */
export async function dropConsumer(
  redis: Redis,
  keys: Keys,
  { pid, tasks }: { readonly pid: number; readonly tasks: boolean },
): Promise<boolean> {
  const [stream, group] = tasks
    ? (["strategy_input_stream", "strategy_executor"] as const)
    : (["signals_stream", "signal_processor"] as const);
  const dropped = await redis.eval(DROP_SCRIPT, 1, keys.stream(stream), group, `-${pid}-`, IDLE_MS_MAX);
  return Number(dropped) > 0;
}
