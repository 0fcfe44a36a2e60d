import type { Redis } from "ioredis";
import type { GroupHolding } from "../../commit.ts";
import type { Entry } from "../../entry.ts";
import { messageOf } from "../../error-message.ts";
import type { Keys, StreamName } from "../../keys.ts";
import { redisRefusalIn } from "../../redis-refusal.ts";
import { defineScript } from "../redis/connection.ts";
import { namingMissingGroup } from "./pending-entries.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";

/**
 * Reads a group under one holding: an entry is delivered only while the lease has the token of the holding. A blocked XREADGROUP of a
 * runner that no longer holds the group would be the first to get the next entry.
 */
export interface FencedReads {
  /** New entries as soon as there are any, or none after `blockMs`; `deposed`: another runner holds the group, nothing was read. */
  read(options: { readonly countMax: number; readonly blockMs: number }): Promise<Entry[] | "deposed">;
}

export interface FencedReadsOptions {
  readonly stream: StreamName;
  readonly holding: GroupHolding;
  readonly consumer: string;
  /** Whether Redis' count stands for attempts that were started: then entries have none when they are delivered. */
  readonly countsAttempts: boolean;
  /** The connection is the reader's own, so that a read may wait on it and watch keys. */
  readonly isOwnConnection: boolean;
}

/**
 * KEYS 1 the stream, 2 the lease. ARGV 1 token, 2 group, 3 consumer, 4 entries at most, 5 '1' if they are to have no deliveries.
 * Returns 'deposed' | the entries as XREADGROUP does | when there are none, the last id that was delivered in the group: { id }.
 */
const READ_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer = KEYS[1], ARGV[2], ARGV[3]
if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return 'deposed' end
local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', ARGV[4], 'STREAMS', stream, '>')
if read then
  local entries = read[1][2]
  if ARGV[5] == '1' then
    for from = 1, #entries, 1000 do
      local claim = { 'XCLAIM', stream, group, consumer, 0 }
      for i = from, math.min(from + 999, #entries) do claim[#claim + 1] = entries[i][1] end
      claim[#claim + 1] = 'RETRYCOUNT'
      claim[#claim + 1] = 0
      claim[#claim + 1] = 'JUSTID'
      redis.call(unpack(claim))
    end
  end
  return entries
end
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local info = {}
  for f = 1, #flat, 2 do info[flat[f]] = flat[f + 1] end
  if info['name'] == group then return { info['last-delivered-id'] } end
end
return {}
`;

/**
 * KEYS 1 the lease, 2 the key that the transaction after it watches. ARGV 1 token. Returns 1; else 0, and the transaction is refused.
 * Sent with EVAL: EVALSHA of a script that Redis does not know would let the transaction go unchecked.
 */
const CHECK_SCRIPT = `#!lua flags=allow-oom
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then return 1 end
redis.call('SET', KEYS[2], '', 'PX', 1)
return 0
`;

/** Where MULTI is refused, as by an ACL, XREADGROUP would go unchecked. */
const withoutTransactions = new WeakSet<Redis>();

/**
 * One for each holding. Waiting is XREAD, which takes nothing, with the script that takes right behind it: one round trip. Of a
 * backlog the script is too dear, since Lua copies each entry (8.5 instead of 3.5 µs of Redis' time): there XREADGROUP is in a
 * transaction that is refused when the lease has another token, or changes meanwhile.
 */
export function fencedReadsOn(
  redis: Redis,
  keys: Keys,
  { stream, holding, consumer, countsAttempts, isOwnConnection }: FencedReadsOptions,
): FencedReads {
  const take = defineScript(redis, "readFenced", READ_SCRIPT);
  const key = keys.stream(stream);
  const group = keys.group(holding.group);
  const lease = keys.groupLease(holding.group);
  const refused = keys.groupReadRefused(holding.group);
  const { token } = holding;
  const mayWatch = isOwnConnection && !countsAttempts;
  /** The last id that was delivered, as far as it is known: what comes after it is waited for. */
  let last: string | undefined;
  let wasFull = false;

  async function takeByScript(countMax: number): Promise<Entry[] | "deposed"> {
    const args = [token, group, consumer, countMax, countsAttempts ? "1" : ""];
    const reply = await namingMissingGroup(take([key, lease], args));
    if (reply === "deposed") return "deposed";
    const [first] = reply as RawEntry[] | string[];
    if (first === undefined || typeof first === "string") {
      last = first;
      return [];
    }
    return (reply as RawEntry[]).map(entryOf);
  }

  /** Undefined when the transaction was refused. */
  async function takeInTransaction(countMax: number): Promise<Entry[] | undefined> {
    const args = ["GROUP", group, consumer, "COUNT", countMax, "STREAMS", key, ">"];
    const [, checked, begun, read, executed] = await Promise.allSettled([
      redis.call("WATCH", lease, refused),
      redis.call("EVAL", CHECK_SCRIPT, 2, lease, refused, token),
      redis.call("MULTI"),
      redis.call("XREADGROUP", ...args),
      redis.call("EXEC"),
    ]);
    if (begun.status === "rejected" && read.status === "fulfilled") {
      withoutTransactions.add(redis);
      throw new Error(`${messageOf(begun.reason)}: what was read without a transaction is left`);
    }
    if (executed.status === "rejected" || !Array.isArray(executed.value)) return undefined;
    const [streams] = executed.value as ([string, RawEntry[]][] | null | Error)[];
    if (streams instanceof Error) return undefined;
    if (checked.status === "rejected" || checked.value !== 1)
      throw new Error(
        "entries were read although the lease of the group could not be checked; they are left",
      );
    return (streams?.[0]?.[1] ?? []).map(entryOf);
  }

  return {
    async read({ countMax, blockMs }) {
      const watches = mayWatch && wasFull && !withoutTransactions.has(redis);
      const backlog = watches ? await takeInTransaction(countMax) : undefined;
      const waits = backlog === undefined && blockMs > 0 && last !== undefined && !wasFull;
      // What it gives does not matter: the script behind it answers.
      const refusing = waits
        ? redis.call("XREAD", "COUNT", 1, "BLOCK", blockMs, "STREAMS", key, last ?? "").then(noError, itself)
        : undefined;
      const entries = backlog ?? (await takeByScript(countMax));
      if (entries === "deposed") return "deposed";
      // Without the wait, reads that give nothing would follow each other without a pause.
      const error = entries.length === 0 ? await refusing : undefined;
      if (redisRefusalIn(error)?.code === "NOPERM") throw error;
      wasFull = entries.length >= countMax;
      last = entries.at(-1)?.id ?? last;
      return entries;
    },
  };
}

const noError = (): undefined => undefined;
const itself = (error: unknown): unknown => error;
