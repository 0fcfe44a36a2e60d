import type { Redis } from "ioredis";
import type { ScriptFacts } from "../../config/redis-requirements.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "./connection.ts";

/**
 * What scripts, and the user of this connection, may do; writes nothing. @throws Error when the server does not answer, or
 * answers something that is not about scripts
 */
export async function readScriptFacts(
  redis: Redis,
  keys: Keys,
  { channels = [] }: { readonly channels?: readonly string[] } = {},
): Promise<ScriptFacts> {
  const probe = defineScript(redis, "probeScripts", PROBE_SCRIPT);
  const key = keys.stream("signals_stream");
  const subscriptions = channels.map((channel) => ["SUBSCRIBE", channel]);
  const named = [
    ...COMMANDS.map((command) => command.map((word) => (word === KEY ? key : word))),
    ...subscriptions,
  ];
  try {
    const [hasCmsgpack, ...denied] = (await probe([key], [JSON.stringify(named)])) as [number, ...number[]];
    const names = denied.flatMap((place) => COMMANDS[place - 1]?.[0] ?? []);
    const deniedChannels = denied.flatMap((place) => subscriptions[place - 1 - COMMANDS.length]?.[1] ?? []);
    return { hasCmsgpack: hasCmsgpack === 1, denied: names, deniedChannels };
  } catch (error) {
    if (!(error instanceof Error) || !/^NOPERM|unknown command|not allowed/i.test(error.message)) throw error;
    return { refused: error.message, hasCmsgpack: false, denied: [], deniedChannels: [] };
  }
}

/**
 * KEYS 1 a key of the router. ARGV 1 commands as JSON. Returns 1 or 0 for the library cmsgpack, then the places, from 1, of the
 * commands that the user may not run or the server does not know.
 */
const PROBE_SCRIPT = `#!lua flags=no-writes
local answer = { cmsgpack and 1 or 0 }
for place, command in ipairs(cjson.decode(ARGV[1])) do
  local known, allowed = pcall(redis.acl_check_cmd, unpack(command))
  if not (known and allowed) then answer[#answer + 1] = place end
end
return answer
`;

const KEY = "<key>";
/** What the router sends, with arguments that an ACL is asked about. */
const COMMANDS: readonly (readonly string[])[] = [
  ["XADD", KEY, "*", "f", "v"],
  ["XREADGROUP", "GROUP", "g", "c", "STREAMS", KEY, ">"],
  ["XREAD", "STREAMS", KEY, "0"],
  ["XACK", KEY, "g", "1-0"],
  ["XCLAIM", KEY, "g", "c", "0", "1-0"],
  ["XPENDING", KEY, "g"],
  ["XRANGE", KEY, "-", "+"],
  ["XREVRANGE", KEY, "+", "-"],
  ["XLEN", KEY],
  ["XDEL", KEY, "1-0"],
  ["XTRIM", KEY, "MINID", "1"],
  ["XINFO", "GROUPS", KEY],
  ["XGROUP", "CREATE", KEY, "g", "0"],
  ["GET", KEY],
  ["SET", KEY, "v"],
  ["INCR", KEY],
  ["DEL", KEY],
  ["UNLINK", KEY],
  ["RENAME", KEY, KEY],
  ["EXISTS", KEY],
  ["EXPIRE", KEY, "1"],
  ["PEXPIRE", KEY, "1"],
  ["PERSIST", KEY],
  ["TYPE", KEY],
  ["HSET", KEY, "f", "v"],
  ["HSETNX", KEY, "f", "v"],
  ["HGET", KEY, "f"],
  ["HMGET", KEY, "f"],
  ["HGETALL", KEY],
  ["HSCAN", KEY, "0"],
  ["HKEYS", KEY],
  ["HDEL", KEY, "f"],
  ["HINCRBY", KEY, "f", "1"],
  ["HEXISTS", KEY, "f"],
  ["TIME"],
  ["PING"],
];
