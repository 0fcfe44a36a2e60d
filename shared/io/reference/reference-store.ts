import type { Redis } from "ioredis";
import type { Keys, ReferencePart } from "../../keys.ts";
import { referenceText } from "../../reference/reference-text.ts";
import type { ReferenceContent, ReferenceMeta } from "../../reference/reference.ts";
import { faultsFrom, type RowFault, type RowFaults } from "../../reference/row-faults.ts";
import { defineScript } from "../redis/connection.ts";
import { readHashes } from "../redis/read-hash.ts";
import {
  damageOf,
  FORMAT,
  hashFields,
  isWrittenAsNow,
  PARTS,
  readSnapshot,
  type SnapshotHashes,
} from "./snapshot-hashes.ts";

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
  /** The current version; undefined when there is none, or it is incomplete, altered or cannot be read. */
  load(): Promise<StoredReference | undefined>;
}

export interface ReferenceStoreOptions {
  /** Called whenever the current version was compared with its content: with what is wrong, or undefined. */
  readonly onChecked?: (version: string, damage: string | undefined) => void;
}

export interface Publication {
  readonly ticket: number;
  readonly version: string;
  readonly content: ReferenceContent;
  /** What cannot be used in the rows; part of the version. */
  readonly faults: readonly RowFault[];
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

/**
 * `published`: the version is now current · `unchanged`: it was current already and is confirmed · `refused`: another refresh
 * has published since this one started, so this one could bring back older data · `newer_format`: a newer version of the
 * router has published, whose form of the data this one does not know.
 */
export type PublishState = "published" | "unchanged" | "refused" | "newer_format";

export interface StoredReference {
  readonly version: string;
  readonly content: ReferenceContent;
  readonly meta: ReferenceMeta;
  /** What cannot be used in the rows it was made from. */
  readonly faults: RowFaults;
  /** Time of the last successful refresh from Postgres, milliseconds since 1970. */
  readonly confirmedAt: number | undefined;
}

/** Old versions expire after so long, because processes may still be loading them. */
const GRACE_S = 3600;
/** A refresh that stops before it publishes leaves its hashes for so long. */
const STAGED_S = 600;
const HASH_FIELDS_PER_CALL = 1_000;

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
 * version that was current, 13 failures, 14–17 the staged hashes. ARGV 1 new version, 2 version that was current ('' = none),
 * 3 ticket, 4 now in ms, 5 grace in s, 6 format, 7 '1' = publish the staged hashes.
 * Returns published | unchanged | refused | newer_format | again (another version is current by now, or a hash is missing).
 */
const PUBLISH_SCRIPT = `#!lua flags=allow-oom
local version, old, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3])
local published = tonumber(redis.call('GET', KEYS[4]) or '0')
-- A ticket up to the published one was taken before that publication, so its content may be older.
-- A ticket above the last one was taken before Redis was emptied.
local last = redis.call('GET', KEYS[3]) or '0'
local function stop(reply)
  for k = 14, 17 do redis.call('UNLINK', KEYS[k]) end
  return reply
end
if ticket <= published or ticket > tonumber(last) then return stop('refused') end
if (redis.call('GET', KEYS[1]) or '') ~= old then return 'again' end
-- A hash of another type is damaged, and no reason not to publish.
local format = redis.pcall('HGET', KEYS[12], 'format')
if type(format) == 'string' and (tonumber(format) or 0) > tonumber(ARGV[6]) then return stop('newer_format') end
if ARGV[7] == '1' then
  if redis.call('EXISTS', KEYS[17]) == 0 then return 'again' end
  for k = 5, 8 do
    redis.call('UNLINK', KEYS[k])
    -- A hash without fields does not exist.
    if redis.call('EXISTS', KEYS[k + 9]) == 1 then redis.call('RENAME', KEYS[k + 9], KEYS[k]) end
  end
elseif redis.call('EXISTS', KEYS[8]) == 0 then
  return 'again'
end
for k = 5, 8 do redis.call('PERSIST', KEYS[k]) end
redis.call('UNLINK', KEYS[13])
redis.call('SET', KEYS[4], last)
redis.call('SET', KEYS[2], ARGV[4])
if version == old then return 'unchanged' end
redis.call('SET', KEYS[1], version)
for k = 9, 12 do redis.call('EXPIRE', KEYS[k], ARGV[5]) end
return 'published'
`;

/**
 * Writes fields of a staged hash. Not MULTI, which a Redis that has reached maxmemory refuses, whatever is in it.
 * KEYS 1 the hash. ARGV 1 life in s, 2 '1' = the hash is begun anew, 3… names and values.
 */
const STAGE_SCRIPT = `#!lua flags=allow-oom
if ARGV[2] == '1' then redis.call('DEL', KEYS[1]) end
if #ARGV > 2 then redis.call('HSET', KEYS[1], unpack(ARGV, 3)) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
`;

/** The store over a connection for commands. */
export function referenceStoreOn(
  redis: Redis,
  keys: Keys,
  { onChecked }: ReferenceStoreOptions = {},
): ReferenceStore {
  const ticketScript = defineScript(redis, "takeReferenceTicket", TICKET_SCRIPT);
  const publishScript = defineScript(redis, "publishReference", PUBLISH_SCRIPT);
  const stageScript = defineScript(redis, "stageReference", STAGE_SCRIPT);
  const partKeys = (version: string): string[] => PARTS.map((part) => keys.reference(version, part));
  const stagedKeys = (ticket: number): string[] => PARTS.map((part) => keys.stagedReference(ticket, part));

  async function currentVersion(): Promise<string | undefined> {
    return (await redis.get(keys.referenceCurrent)) ?? undefined;
  }

  /** The hashes of a version and when it was confirmed; undefined when a key is of another type. */
  async function readVersion(version: string): Promise<[SnapshotHashes, number | undefined] | undefined> {
    try {
      // Not in one transaction: what is read is compared with its version.
      const [hashes, confirmedAt] = await Promise.all([
        readHashes(redis, partKeys(version)),
        redis.get(keys.referenceConfirmedAt),
      ]);
      const [tickers = {}, strategies = {}, strategy_signals = {}, meta = {}] = hashes;
      const read = { tickers, strategies, strategy_signals, meta };
      return [read, confirmedAt === null ? undefined : Number(confirmedAt)];
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("WRONGTYPE")) return undefined;
      throw error;
    }
  }

  /** Whether the current version is in Redis as this router would write it. */
  async function isIntact(version: string): Promise<boolean> {
    const [hashes] = (await readVersion(version)) ?? [];
    onChecked?.(version, hashes === undefined ? OTHER_TYPE : damageOf(version, hashes));
    return hashes !== undefined && isWrittenAsNow(version, hashes);
  }

  async function stage({ ticket, content, faults, now }: Publication): Promise<void> {
    const fields = hashFields(referenceText(content, faults), new Date(now));
    for (const [part, flat] of Object.entries(fields) as [ReferencePart, string[]][]) {
      const key = keys.stagedReference(ticket, part);
      for (let from = 0; from === 0 || from < flat.length; from += HASH_FIELDS_PER_CALL) {
        const isFirst = from === 0 ? 1 : 0;
        await stageScript([key], [STAGED_S, isFirst, ...flat.slice(from, from + HASH_FIELDS_PER_CALL)]);
      }
    }
  }

  return {
    takeTicket: async () =>
      Number(await ticketScript([keys.referenceTicket, keys.referencePublishedTicket], [])),
    currentVersion,
    async publish(publication) {
      const { ticket, version, now } = publication;
      for (;;) {
        const old = await currentVersion();
        const intact = old === version && (await isIntact(version));
        if (!intact) await stage(publication);
        const reply = await publishScript(
          [
            keys.referenceCurrent,
            keys.referenceConfirmedAt,
            keys.referenceTicket,
            keys.referencePublishedTicket,
            ...partKeys(version),
            ...partKeys(old ?? ""),
            keys.referenceFailures,
            ...stagedKeys(ticket),
          ],
          [version, old ?? "", ticket, now, GRACE_S, FORMAT, intact ? "" : "1"],
        );
        if (isPublishState(reply)) return reply;
        if (reply !== "again") throw new Error(`publish script answered ${JSON.stringify(reply)}`);
      }
    },
    async load() {
      for (;;) {
        const version = await currentVersion();
        if (version === undefined) return undefined;
        const [hashes, confirmedAt] = (await readVersion(version)) ?? [];
        const read = hashes === undefined ? NOT_HASHES : readSnapshot(version, hashes);
        if (read.ok) {
          onChecked?.(version, undefined);
          const { content, meta } = read;
          return { version, content, meta, faults: faultsFrom(meta.faults), confirmedAt };
        }
        // Another version became current meanwhile: load that one instead of reporting the old one as broken.
        if (version !== (await currentVersion())) continue;
        onChecked?.(version, read.why);
        return undefined;
      }
    },
  };
}

const OTHER_TYPE = "has a key that is not a hash";
const NOT_HASHES = { ok: false, why: OTHER_TYPE } as const;

function isPublishState(reply: unknown): reply is PublishState {
  return reply === "published" || reply === "unchanged" || reply === "refused" || reply === "newer_format";
}
