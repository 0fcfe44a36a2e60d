import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
import { connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";

const PARTS: readonly ReferencePart[] = ["tickers", "strategies", "strategy_signals", "meta"];
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const NO_EXPIRY = -1;
const MISSING = -2;

interface Built {
  readonly version: string;
  readonly content: ReferenceContent;
}

/** A reference with `size` tickers, strategies and signals, each of which carries the number. */
function sized(size: number): Built {
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
function numbered(n: number): Built {
  return buildReference(referenceRows({ tickers: [tickerRow(`T${n}`)] }));
}

const A = sized(2);
const B = sized(3);

let redis: Redis;
let keys: Keys;
let store: ReferenceStore;

beforeAll(() => {
  redis = connectRedis();
});
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

describe("a published reference", () => {
  it("is loaded as it was, with its version, counts and times", async () => {
    const odd = buildReference(
      referenceRows({
        tickers: [tickerRow("BTCUSDT"), tickerRow("КРИПТО\u0000\u{1F600}", { status: "disabled" })],
        signals: [
          signalRow(1, { long_phrase: "__proto__", short_phrase: "constructor" }),
          signalRow(2, { long_phrase: null, short_phrase: "Пробой" }),
        ],
        strategies: [
          strategyRow(10, {
            use_all_tickers: false,
            params: { nested: [1, { a: null }] },
            signal_age_ms_max: 5,
          }),
        ],
        strategy_tickers: [{ strategy_id: 10, symbol: "BTCUSDT" }],
      }),
    );
    expect(await publish(odd)).toBe("published");
    expect(await store.currentVersion()).toBe(odd.version);
    expect(await store.load()).toStrictEqual({
      version: odd.version,
      content: odd.content,
      meta: {
        tickers: 2,
        strategies: 1,
        strategy_signals: odd.content.phrases.size,
        created_at: new Date(NOW).toISOString(),
      },
      confirmedAt: NOW,
    });
  });

  it("may be empty, or larger than one command can carry", async () => {
    for (const built of [sized(0), sized(2_500)]) {
      expect(await publish(built)).toBe("published");
      expect((await store.load())?.content).toStrictEqual(built.content);
    }
  });

  it("is not there before the first publication", async () => {
    expect([await store.currentVersion(), await store.load()]).toStrictEqual([undefined, undefined]);
  });

  it("that is unchanged swaps nothing, renews its confirmation and does not expire", async () => {
    await publish(A);
    await redis.expire(keys.reference(A.version, "tickers"), 100);
    expect(await publish(A, NOW + 30_000)).toBe("unchanged");
    const loaded = await store.load();
    expect(loaded?.confirmedAt).toBe(NOW + 30_000);
    expect(loaded?.meta.created_at).toBe(new Date(NOW).toISOString());
    await expectNeverToExpire(A);
  });

  it("makes the version before it expire and never expires itself, also when it comes back", async () => {
    await publish(A);
    await expectNeverToExpire(A);
    await publish(B);
    await expectToExpire(A);
    await expectNeverToExpire(B);
    await publish(A);
    await expectNeverToExpire(A);
    await expectToExpire(B);
    expect((await store.load())?.content).toStrictEqual(A.content);
  });

  it("comes back whole after its old hashes were changed or have partly expired", async () => {
    await publish(A);
    await publish(B);
    await redis.hset(keys.reference(A.version, "tickers"), "GARBAGE", "{}");
    await redis.del(keys.reference(A.version, "strategies"));
    expect(await publish(A)).toBe("published");
    expect((await store.load())?.content).toStrictEqual(A.content);
  });
});

describe("a refresh that began earlier", () => {
  it("is refused once a later one has published, and changes nothing that counts", async () => {
    const early = await store.takeTicket();
    await publish(B);
    const before = await store.load();
    expect(await store.publish({ ticket: early, ...A, now: NOW + 1 })).toBe("refused");
    expect(await store.load()).toStrictEqual(before);
    await expectNeverToExpire(B);
    await expectToExpire(A);
  });

  it("is refused also with the current content, which stays without end", async () => {
    const early = await store.takeTicket();
    await publish(B);
    expect(await store.publish({ ticket: early, ...B, now: NOW - 5 })).toBe("refused");
    expect((await store.load())?.confirmedAt).toBe(NOW);
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied, until one has begun since", async () => {
    await publish(B);
    const before = await store.takeTicket();
    await redis.del(...(await redis.keys(`${keys.prefix}*`)));
    expect(await store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await store.load()).toBeUndefined();
    expect(await publish(B)).toBe("published");
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied also when one has begun since and has not published yet", async () => {
    const before = await store.takeTicket();
    await redis.del(...(await redis.keys(`${keys.prefix}*`)));
    const since = await store.takeTicket();
    expect(await store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await store.publish({ ticket: since, ...B, now: NOW })).toBe("published");
  });

  it("is refused after Redis has lost its ticket, however many were taken since", async () => {
    await publish(A);
    const kept = (await redis.get(keys.referenceTicket)) ?? "";
    await store.takeTicket();
    const lost = await store.takeTicket();
    await redis.set(keys.referenceTicket, kept);
    expect(await publish(B)).toBe("published");
    const next = await store.takeTicket();
    expect(next).toBeGreaterThan(lost);
    expect(await store.publish({ ticket: lost, ...A, now: NOW })).toBe("refused");
    expect(await store.publish({ ticket: next, ...B, now: NOW })).toBe("unchanged");
  });

  it("may publish when the later one has not, which is then refused: it may have looked before", async () => {
    const early = await store.takeTicket();
    const late = await store.takeTicket();
    expect(await store.publish({ ticket: early, ...A, now: NOW })).toBe("published");
    expect(await store.publish({ ticket: late, ...B, now: NOW })).toBe("refused");
    expect(await publish(B)).toBe("published");
    expect(await publish(B)).toBe("unchanged");
  });

  it("cannot give the current version an end, whenever it is overtaken", async () => {
    // Wherever the earlier one is when the later one publishes the same content, the content stays.
    const other = connectRedis();
    const otherStore = referenceStoreOn(other, keys);
    for (let round = 0; round < 60; round += 1) {
      const built = numbered(round);
      const early = await store.takeTicket();
      const late = await otherStore.takeTicket();
      const both = await Promise.all([
        store.publish({ ticket: early, ...built, now: NOW }),
        otherStore.publish({ ticket: late, ...built, now: NOW }),
      ]);
      expect(both.filter((state) => state !== "refused")).toHaveLength(1);
      await expectNeverToExpire(built);
    }
    other.disconnect();
  });

  it("that ends between writing and publishing leaves the current version without end", async () => {
    await publish(A);
    await redis.del(keys.reference(A.version, "meta"));
    // A counter that is no integer makes the publishing script fail, after the hashes were written.
    await redis.set(keys.referencePublishedTicket, "x");
    await expect(store.publish({ ticket: 1, ...A, now: NOW })).rejects.toThrow("compare");
    expect((await store.load())?.content).toStrictEqual(A.content);
    await expectNeverToExpire(A);
    await expect(store.publish({ ticket: 1, ...B, now: NOW })).rejects.toThrow("compare");
    await expectToExpire(B);
  });
});

describe("a broken current version", () => {
  const damages: readonly { what: string; damage: () => Promise<unknown> }[] = [
    ...PARTS.map((part) => ({
      what: `${part} deleted`,
      damage: () => redis.del(keys.reference(A.version, part)),
    })),
    {
      what: "one ticker gone",
      damage: () => redis.hdel(keys.reference(A.version, "tickers"), [...A.content.tickers.keys()][0] ?? ""),
    },
    {
      what: "a strategy that is no JSON",
      damage: () => redis.hset(keys.reference(A.version, "strategies"), "1", "{"),
    },
    {
      what: "a phrase of another shape",
      damage: () => redis.hset(keys.reference(A.version, "strategy_signals"), "signal_1_long", "{}"),
    },
    {
      what: "counts that are none",
      damage: () => redis.hset(keys.reference(A.version, "meta"), "tickers", "x"),
    },
    {
      what: "a hash of another type",
      async damage() {
        await redis.del(keys.reference(A.version, "tickers"));
        await redis.set(keys.reference(A.version, "tickers"), "x");
      },
    },
  ];

  it.each(damages)("($what) is not loaded, and the next refresh repairs it", async ({ damage }) => {
    await publish(A);
    await damage();
    expect(await store.load()).toBeUndefined();
    expect(await store.currentVersion()).toBe(A.version);
    expect(await publish(A, NOW + 1)).toBe("unchanged");
    expect((await store.load())?.content).toStrictEqual(A.content);
    await expectNeverToExpire(A);
  });

  it.each(damages)("($what) gives way to another version", async ({ damage }) => {
    await publish(A);
    await damage();
    expect(await publish(B)).toBe("published");
    expect((await store.load())?.content).toStrictEqual(B.content);
  });

  it("is not taken for an empty reference", async () => {
    await publish(sized(0));
    await redis.del(keys.reference(sized(0).version, "meta"));
    expect(await store.load()).toBeUndefined();
  });
});

describe("many at once", () => {
  it("publishers end with the content of the one that published last, whole and without end, all others expiring", async () => {
    const connections = Array.from({ length: 8 }, () => connectRedis());
    const stores = connections.map((connection) => referenceStoreOn(connection, keys));
    for (let round = 0; round < 10; round += 1) {
      const refreshes = await Promise.all(
        stores.map(async (one, n) => {
          const ticket = await one.takeTicket();
          const built = sized(1 + ((n + round) % 4));
          return { n, ticket, built, state: await one.publish({ ticket, ...built, now: NOW + n }) };
        }),
      );
      // Whoever publishes has begun after the one before, so tickets tell the order.
      const published = refreshes.filter(({ state }) => state !== "refused");
      const last = published.reduce((high, one) => (one.ticket > high.ticket ? one : high));
      const loaded = await store.load();
      expect(loaded).toMatchObject({ version: last.built.version, confirmedAt: NOW + last.n });
      expect(loaded?.content).toStrictEqual(last.built.content);
      await expectNeverToExpire(last.built);
      for (const { built } of refreshes) {
        if (built.version === last.built.version) continue;
        for (const ttl of await ttls(built)) expect(ttl === MISSING || ttl > 0).toBe(true);
      }
    }
    connections.forEach((connection) => connection.disconnect());
  });

  it("readers see one version or the other, never a mixture and never nothing", async () => {
    const versions = new Map([1, 2, 3, 4].map((size) => [sized(size).version, sized(size)]));
    await publish(sized(1));
    const writer = connectRedis();
    const writing = referenceStoreOn(writer, keys);
    const swapped = new AbortController();
    const readers = Array.from({ length: 4 }, async () => {
      const seen = new Set<string>();
      while (!swapped.signal.aborted) {
        const loaded = await store.load();
        if (loaded === undefined) throw new Error("nothing was loaded");
        expect(loaded.content).toStrictEqual(versions.get(loaded.version)?.content);
        seen.add(loaded.version);
      }
      return seen.size;
    });
    for (let swap = 0; swap < 150; swap += 1) await publish(sized(1 + (swap % 4)), NOW, writing);
    swapped.abort();
    for (const seen of await Promise.all(readers)) expect(seen).toBeGreaterThan(1);
    writer.disconnect();
  });

  it("readers whose version ends before they have loaded it load the one that came after", async () => {
    await publish(numbered(0));
    const writer = connectRedis();
    const writing = referenceStoreOn(writer, keys);
    const swapped = new AbortController();
    const readers = Array.from({ length: 8 }, async () => {
      while (!swapped.signal.aborted) expect(await store.load()).toBeDefined();
    });
    for (let n = 1; n <= 300; n += 1) {
      await publish(numbered(n), NOW, writing);
      await writer.del(PARTS.map((part) => keys.reference(numbered(n - 1).version, part)));
    }
    swapped.abort();
    await Promise.all(readers);
    writer.disconnect();
  });

  it("takers get a ticket each, every one higher than those taken before", async () => {
    const tickets = await Promise.all(Array.from({ length: 50 }, () => store.takeTicket()));
    expect(new Set(tickets).size).toBe(50);
    expect(await store.takeTicket()).toBeGreaterThan(Math.max(...tickets));
  });

  it("tickets go on from those that were counted, and by one where they are ahead of the clock", async () => {
    await redis.mset(keys.referenceTicket, 41, keys.referencePublishedTicket, 40);
    const ticket = await store.takeTicket();
    expect(await redis.get(keys.referenceTicket)).toMatch(/^\d{16}$/);
    expect(await store.publish({ ticket, ...A, now: NOW })).toBe("published");
    expect(await redis.get(keys.referencePublishedTicket)).toBe(String(ticket));
    expect(await store.publish({ ticket: 41, ...B, now: NOW })).toBe("refused");
    await redis.set(keys.referenceTicket, 8_000_000_000_000_000);
    expect(await store.takeTicket()).toBe(8_000_000_000_000_001);
  });
});

it("publishing touches only keys its scripts declare", async () => {
  const access = await scriptAccess(redis, keys.prefix, async () => {
    await publish(A);
    await publish(B);
    await publish(B);
    await store.publish({ ticket: 1, ...A, now: NOW });
  });
  expect(access.undeclared).toStrictEqual([]);
  expect(access.touched).toBeGreaterThan(20);
  expect(Object.keys(await contentsOf(redis, keys.prefix))).toContain("reference:current");
});
