import { afterAll, beforeEach, expect } from "vitest";
import {
  referenceStoreOn,
  type PublishState,
  type ReferenceStore,
} from "../../../../shared/io/reference/reference-store.ts";
import { keysOf, type Keys, type ReferencePart } from "../../../../shared/keys.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import type { ReferenceContent } from "../../../../shared/reference/reference.ts";
import type { RowFault } from "../../../../shared/reference/row-faults.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

/** Reference data to publish, and an empty store for each test. */

export const PARTS: readonly ReferencePart[] = ["tickers", "strategies", "strategy_signals", "meta"];
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const NO_EXPIRY = -1;

interface Built {
  readonly version: string;
  readonly content: ReferenceContent;
  readonly faults: readonly RowFault[];
}

/** A reference with `size` tickers, strategies and signals, each of which contains the number. */
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

/** An empty store for each test of the file that calls this. */
export function emptyReferenceStore() {
  const redis = connectRedis();
  let keys: Keys;
  let store: ReferenceStore;
  beforeEach(() => {
    keys = keysOf(freshPrefix());
    store = referenceStoreOn(redis, keys);
  });
  afterAll(() => redis.disconnect());

  async function publish(built: Built, now = NOW, via = store): Promise<PublishState> {
    return via.publish({ ticket: await via.takeTicket(), ...built, now });
  }

  async function ttls({ version }: Built): Promise<number[]> {
    return Promise.all(PARTS.map(async (part) => redis.pttl(keys.reference(version, part))));
  }

  async function expectNeverToExpire(built: Built): Promise<void> {
    expect(await ttls(built)).toStrictEqual([NO_EXPIRY, NO_EXPIRY, NO_EXPIRY, NO_EXPIRY]);
  }

  async function expectToExpire(built: Built): Promise<void> {
    for (const ttl of await ttls(built)) {
      expect(ttl).toBeGreaterThan(3_500_000);
      expect(ttl).toBeLessThanOrEqual(3_600_000);
    }
  }

  return {
    redis,
    get keys() {
      return keys;
    },
    get store() {
      return store;
    },
    publish,
    ttls,
    expectNeverToExpire,
    expectToExpire,
  };
}
