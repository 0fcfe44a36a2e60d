import { describe, expect, it } from "vitest";
import { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { A, B, emptyReferenceStore, NOW, numbered, PARTS, sized } from "./reference-store-fixture.ts";

const MISSING = -2;

const fixture = emptyReferenceStore();
const { redis, publish, ttls, expectNeverToExpire } = fixture;

describe("many at once", () => {
  it("publishers end with the complete content of the last one, which does not expire; all others do", async () => {
    const connections = Array.from({ length: 8 }, () => connectRedis());
    const stores = connections.map((connection) => referenceStoreOn(connection, fixture.keys));
    for (let round = 0; round < 10; round += 1) {
      const refreshes = await Promise.all(
        stores.map(async (one, n) => {
          const ticket = await one.takeTicket();
          const built = sized(1 + ((n + round) % 4));
          return { n, ticket, built, state: await one.publish({ ticket, ...built, now: NOW + n }) };
        }),
      );
      // A publisher has started after the one before it, so the tickets give the order.
      const published = refreshes.filter(({ state }) => state !== "refused");
      const last = published.reduce((high, one) => (one.ticket > high.ticket ? one : high));
      const loaded = await fixture.store.load();
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
    const writing = referenceStoreOn(writer, fixture.keys);
    const swapped = new AbortController();
    const readers = Array.from({ length: 4 }, async () => {
      const seen = new Set<string>();
      while (!swapped.signal.aborted) {
        const loaded = await fixture.store.load();
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

  it("readers whose version expires while they load it load the one after it", async () => {
    await publish(numbered(0));
    const writer = connectRedis();
    const writing = referenceStoreOn(writer, fixture.keys);
    const swapped = new AbortController();
    const readers = Array.from({ length: 8 }, async () => {
      while (!swapped.signal.aborted) expect(await fixture.store.load()).toBeDefined();
    });
    for (let n = 1; n <= 100; n += 1) {
      await publish(numbered(n), NOW, writing);
      await writer.del(PARTS.map((part) => fixture.keys.reference(numbered(n - 1).version, part)));
    }
    swapped.abort();
    await Promise.all(readers);
    writer.disconnect();
  });

  it("each caller gets its own ticket, higher than those taken before", async () => {
    const tickets = await Promise.all(Array.from({ length: 50 }, () => fixture.store.takeTicket()));
    expect(new Set(tickets).size).toBe(50);
    expect(await fixture.store.takeTicket()).toBeGreaterThan(Math.max(...tickets));
  });

  it("tickets continue after those of a plain counter, and rise by one where they are ahead of the clock", async () => {
    await redis.mset(fixture.keys.referenceTicket, 41, fixture.keys.referencePublishedTicket, 40);
    const ticket = await fixture.store.takeTicket();
    expect(await redis.get(fixture.keys.referenceTicket)).toMatch(/^\d{16}$/);
    expect(await fixture.store.publish({ ticket, ...A, now: NOW })).toBe("published");
    expect(await redis.get(fixture.keys.referencePublishedTicket)).toBe(String(ticket));
    expect(await fixture.store.publish({ ticket: 41, ...B, now: NOW })).toBe("refused");
    await redis.set(fixture.keys.referenceTicket, 8_000_000_000_000_000);
    expect(await fixture.store.takeTicket()).toBe(8_000_000_000_000_001);
  });
});
