import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import {
  referenceStoreOn,
  type PublishState,
  type ReferenceStore,
} from "../../../../shared/io/reference/reference-store.ts";
import { keysOf, type Keys, type ReferencePart } from "../../../../shared/keys.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import type { ReferenceContent } from "../../../../shared/reference/reference.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

export const PARTS: readonly ReferencePart[] = ["tickers", "strategies", "strategy_signals", "meta"];
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const NO_EXPIRY = -1;
export const MISSING = -2;

interface Built {
  readonly version: string;
  readonly content: ReferenceContent;
}

/** A reference with `size` tickers, strategies and signals, each of which carries the number. */
export function sized(size: number): Built {
  const ids = Array.from({ length: size }, (_, n) => n + 1);
  return buildReference({
    tickers: ids.map((id) => tickerRow(`T${id}OF${size}`)),
    signals: ids.map((id) => signalRow(id)),
    strategies: ids.map((id) => strategyRow(id, { name: `of ${size}`, params: { size } })),
    strategy_signals: ids.map((id) => ({ strategy_id: id, signal_id: id })),
    strategy_tickers: [],
  });
}

/** A reference of one ticker, another one for each number. */
export function numbered(n: number): Built {
  return buildReference(referenceRows({ tickers: [tickerRow(`T${n}`)] }));
}

export const A = sized(2);
export const B = sized(3);

/** A store on keys of a test's own. */
export interface ReferenceStoreFixture {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly store: ReferenceStore;
  readonly publish: (built: Built, now?: number, via?: ReferenceStore) => Promise<PublishState>;
  /** When each part of a version expires, as PTTL tells it. */
  readonly ttls: (built: Built) => Promise<number[]>;
  readonly expectNeverToExpire: (built: Built) => Promise<void>;
  readonly expectToExpire: (built: Built) => Promise<void>;
}

export function useReferenceStore(): ReferenceStoreFixture {
  let own: { redis: Redis; keys: Keys; store: ReferenceStore } | undefined;
  const there = (): NonNullable<typeof own> => {
    if (own === undefined) throw new Error("the store is there during a test only");
    return own;
  };
  let redis: Redis;
  beforeAll(() => {
    redis = connectRedis();
  });
  beforeEach(() => {
    const keys = keysOf(freshPrefix());
    own = { redis, keys, store: referenceStoreOn(redis, keys) };
  });
  afterAll(() => redis.disconnect());
  async function ttls({ version }: Built): Promise<number[]> {
    return Promise.all(PARTS.map(async (part) => redis.pttl(there().keys.reference(version, part))));
  }
  return {
    get redis() {
      return there().redis;
    },
    get keys() {
      return there().keys;
    },
    get store() {
      return there().store;
    },
    publish: async (built, now = NOW, via = there().store) =>
      via.publish({ ticket: await via.takeTicket(), ...built, now }),
    ttls,
    async expectNeverToExpire(built) {
      expect(await ttls(built)).toStrictEqual([NO_EXPIRY, NO_EXPIRY, NO_EXPIRY, NO_EXPIRY]);
    },
    async expectToExpire(built) {
      for (const ttl of await ttls(built)) {
        expect(ttl).toBeGreaterThan(3_500_000);
        expect(ttl).toBeLessThanOrEqual(3_600_000);
      }
    },
  };
}
