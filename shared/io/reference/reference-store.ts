import type { Redis } from "ioredis";
import * as z from "zod";
import type { Keys, ReferencePart } from "../../keys.ts";
import type { ReferenceContent, ReferenceMeta } from "../../reference/reference.ts";
import { metaSchema, phraseSchema, strategySchema, tickerSchema } from "../../reference/reference.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * This room reads reference data from Postgres, publishes it as versions in Redis, and stores pauses.
 *
 * The reference snapshot in Redis: versioned hashes, and which version is current.
 */
export interface ReferenceStore {
  /** A number higher than that of every refresh started before. */
  takeTicket(): Promise<number>;
  currentVersion(): Promise<string | undefined>;
  publish(publication: Publication): Promise<PublishState>;
  /** The current version; undefined when there is none, or a part of it is missing or malformed. */
  load(): Promise<StoredReference | undefined>;
}

export interface Publication {
  readonly ticket: number;
  readonly version: string;
  readonly content: ReferenceContent;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

/**
 * `published`: the version is now current · `unchanged`: it was current already and is confirmed · `refused`: another refresh
 * has published since this one started, so this one could bring back older data.
 */
export type PublishState = "published" | "unchanged" | "refused";

export interface StoredReference {
  readonly version: string;
  readonly content: ReferenceContent;
  readonly meta: ReferenceMeta;
  /** Time of the last successful refresh from Postgres, milliseconds since 1970. */
  readonly confirmedAt: number | undefined;
}

/** Old versions expire after so long, because processes may still be loading them. */
const GRACE_S = 3600;
const PARTS = [
  "tickers",
  "strategies",
  "strategy_signals",
  "meta",
] as const satisfies readonly ReferencePart[];
/** Of one HSET. */
const FIELDS_PER_CALL = 1_000;

/**
 * Takes a ticket: the time in microseconds, or one more than the last ticket if that is higher. A plain counter would give
 * tickets twice after Redis has lost writes, and older content could be published after newer.
 * KEYS 1 ticket, 2 published_ticket. Returns the ticket.
 */
const TICKET_SCRIPT = `#!lua flags=allow-oom
local last, published = KEYS[1], KEYS[2]
local ticket = redis.call('INCR', last)
-- The first since Redis was emptied: tickets taken before must no longer publish.
local first = ticket == 1
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if ticket < now then
  ticket = now
  redis.call('SET', last, string.format('%.0f', ticket))
end
if first then redis.call('SET', published, string.format('%.0f', ticket - 1)) end
return ticket
`;

/**
 * KEYS 1 reference:current, 2 confirmed_at, 3 ticket, 4 published_ticket, 5–8 the hashes of the new version, 9–12 those of the
 * version that was current. ARGV 1 new version, 2 version that was current ('' = none), 3 ticket, 4 now in ms, 5 grace in s.
 * Returns published | unchanged | refused | again (another version is current by now, or a hash is missing).
 */
const PUBLISH_SCRIPT = `#!lua flags=allow-oom
local version, old, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3])
local published = tonumber(redis.call('GET', KEYS[4]) or '0')
-- A ticket up to the published one was taken before that publication, so its content may be older.
-- A ticket above the last one was taken before Redis was emptied.
local last = redis.call('GET', KEYS[3]) or '0'
if ticket <= published or ticket > tonumber(last) then return 'refused' end
if (redis.call('GET', KEYS[1]) or '') ~= old then return 'again' end
if redis.call('EXISTS', KEYS[8]) == 0 then return 'again' end
for k = 5, 8 do redis.call('PERSIST', KEYS[k]) end
redis.call('SET', KEYS[4], last)
redis.call('SET', KEYS[2], ARGV[4])
if version == old then return 'unchanged' end
redis.call('SET', KEYS[1], version)
for k = 9, 12 do redis.call('EXPIRE', KEYS[k], ARGV[5]) end
return 'published'
`;

/**
 * Writes the hashes of a version and gives them an expiry, which publishing removes. The current version gets none: the process
 * may stop, or be refused, before it publishes. Not MULTI, which a Redis that has reached maxmemory refuses, whatever is in it.
 * KEYS 1 reference:current, 2… the hashes. ARGV 1 version, 2 grace in s, then for each hash: number of arguments, names and values.
 */
const WRITE_SCRIPT = `#!lua flags=allow-oom
local version, grace, at = ARGV[1], ARGV[2], 3
for k = 2, #KEYS do
  redis.call('DEL', KEYS[k])
  local last = at + tonumber(ARGV[at])
  for from = at + 1, last, ${2 * FIELDS_PER_CALL} do
    redis.call('HSET', KEYS[k], unpack(ARGV, from, math.min(last, from + ${2 * FIELDS_PER_CALL} - 1)))
  end
  at = last + 1
end
if redis.call('GET', KEYS[1]) == version then return end
for k = 2, #KEYS do redis.call('EXPIRE', KEYS[k], grace) end
`;

/** The store over a connection for commands. */
export function referenceStoreOn(redis: Redis, keys: Keys): ReferenceStore {
  const ticketScript = defineScript(redis, "takeReferenceTicket", TICKET_SCRIPT);
  const publishScript = defineScript(redis, "publishReference", PUBLISH_SCRIPT);
  const writeScript = defineScript(redis, "writeReference", WRITE_SCRIPT);
  const partKeys = (version: string): string[] => PARTS.map((part) => keys.reference(version, part));

  async function currentVersion(): Promise<string | undefined> {
    return (await redis.get(keys.referenceCurrent)) ?? undefined;
  }

  async function loadVersion(version: string): Promise<StoredReference | undefined> {
    // Not MULTI, which a Redis that has reached maxmemory refuses. The hashes of a version never change.
    const pipeline = redis.pipeline();
    for (const key of partKeys(version)) pipeline.hgetall(key);
    const replies = (await pipeline.get(keys.referenceConfirmedAt).exec()) ?? [];
    for (const [error] of replies) {
      // A key of another type counts as missing.
      if (error?.message.startsWith("WRONGTYPE") === true) return undefined;
      if (error !== null) throw error;
    }
    const [tickers, strategies, phrases, meta, confirmedAt] = replies.map(([, reply]) => reply);
    const counts = unlessMalformed(() => metaSchema.parse(meta));
    const content = unlessMalformed(() => parseContent({ tickers, strategies, phrases }));
    if (counts === undefined || content === undefined) return undefined;
    const complete =
      content.tickers.size === counts.tickers &&
      content.strategies.size === counts.strategies &&
      content.phrases.size === counts.strategy_signals;
    if (!complete) return undefined;
    const confirmed = typeof confirmedAt === "string" ? Number(confirmedAt) : undefined;
    return { version, content, meta: counts, confirmedAt: confirmed };
  }

  async function write(version: string, content: ReferenceContent, now: number): Promise<void> {
    const hashes = hashesOf(content, now);
    const args = PARTS.flatMap((part) => [hashes[part].length, ...hashes[part]]);
    await writeScript([keys.referenceCurrent, ...partKeys(version)], [version, GRACE_S, ...args]);
  }

  return {
    takeTicket: async () =>
      Number(await ticketScript([keys.referenceTicket, keys.referencePublishedTicket], [])),
    currentVersion,
    async publish({ ticket, version, content, now }) {
      for (;;) {
        const old = await currentVersion();
        const intact = old === version && (await loadVersion(version)) !== undefined;
        if (!intact) await write(version, content, now);
        const reply = await publishScript(
          [
            keys.referenceCurrent,
            keys.referenceConfirmedAt,
            keys.referenceTicket,
            keys.referencePublishedTicket,
            ...partKeys(version),
            ...partKeys(old ?? ""),
          ],
          [version, old ?? "", ticket, now, GRACE_S],
        );
        if (reply === "published" || reply === "unchanged" || reply === "refused") return reply;
        if (reply !== "again") throw new Error(`publish script answered ${JSON.stringify(reply)}`);
      }
    },
    async load() {
      for (;;) {
        const version = await currentVersion();
        if (version === undefined) return undefined;
        const stored = await loadVersion(version);
        // Another version became current meanwhile: load that one instead of reporting the old one as broken.
        if (stored !== undefined || version === (await currentVersion())) return stored;
      }
    },
  };
}

/** What `parse` makes of data from Redis; undefined when this program would not have written it so. */
function unlessMalformed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The four hashes as flat lists of names and values. */
function hashesOf(content: ReferenceContent, now: number): Record<ReferencePart, string[]> {
  const flat = (map: ReadonlyMap<string | number, unknown>): string[] =>
    [...map].flatMap(([field, value]) => [String(field), JSON.stringify(value)]);
  const { tickers, strategies, phrases } = content;
  return {
    tickers: flat(tickers),
    strategies: flat(strategies),
    strategy_signals: flat(phrases),
    meta: [
      "tickers",
      String(tickers.size),
      "strategies",
      String(strategies.size),
      "strategy_signals",
      String(phrases.size),
      "created_at",
      new Date(now).toISOString(),
    ],
  };
}

function parseContent(hashes: { tickers: unknown; strategies: unknown; phrases: unknown }): ReferenceContent {
  return {
    tickers: parseHash(
      hashes.tickers,
      (symbol) => symbol,
      (value) => tickerSchema.parse(value),
    ),
    strategies: parseHash(hashes.strategies, Number, (value) => strategySchema.parse(value)),
    phrases: parseHash(
      hashes.phrases,
      (phrase) => phrase,
      (value) => phraseSchema.parse(value),
    ),
  };
}

function parseHash<Key, Value>(
  hash: unknown,
  keyOf: (field: string) => Key,
  parse: (value: unknown) => Value,
): Map<Key, Value> {
  const fields = Object.entries(hash as Record<string, string>);
  return new Map(fields.map(([field, json]) => [keyOf(field), parse(JSON.parse(json))]));
}
