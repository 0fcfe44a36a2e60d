import { describe, expect, it } from "vitest";
import { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { A, B, emptyReferenceStore, NOW, numbered, PARTS } from "./reference-store-fixture.ts";

const fixture = emptyReferenceStore();
const { redis, publish, expectNeverToExpire } = fixture;

describe("a refresh that began earlier", () => {
  it("is refused once a later one has published, and the current version does not change", async () => {
    const early = await fixture.store.takeTicket();
    await publish(B);
    const before = await fixture.store.load();
    expect(await fixture.store.publish({ ticket: early, ...A, now: NOW + 1 })).toBe("refused");
    expect(await fixture.store.load()).toStrictEqual(before);
    await expectNeverToExpire(B);
    expect(await redis.keys(`${fixture.keys.prefix}*${A.version}*`)).toStrictEqual([]);
    expect(await redis.keys(`${fixture.keys.prefix}*staged*`)).toStrictEqual([]);
  });

  it("is refused also with the current content, which does not expire", async () => {
    const early = await fixture.store.takeTicket();
    await publish(B);
    expect(await fixture.store.publish({ ticket: early, ...B, now: NOW - 5 })).toBe("refused");
    expect((await fixture.store.load())?.confirmedAt).toBe(NOW);
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied, until one has begun since", async () => {
    await publish(B);
    const before = await fixture.store.takeTicket();
    await redis.del(...(await redis.keys(`${fixture.keys.prefix}*`)));
    expect(await fixture.store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.load()).toBeUndefined();
    expect(await publish(B)).toBe("published");
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied also when one has begun since and has not published yet", async () => {
    const before = await fixture.store.takeTicket();
    await redis.del(...(await redis.keys(`${fixture.keys.prefix}*`)));
    const since = await fixture.store.takeTicket();
    expect(await fixture.store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.publish({ ticket: since, ...B, now: NOW })).toBe("published");
  });

  it("is refused after Redis has lost its ticket, however many were taken since", async () => {
    await publish(A);
    const kept = (await redis.get(fixture.keys.referenceTicket)) ?? "";
    await fixture.store.takeTicket();
    const lost = await fixture.store.takeTicket();
    await redis.set(fixture.keys.referenceTicket, kept);
    expect(await publish(B)).toBe("published");
    const next = await fixture.store.takeTicket();
    expect(next).toBeGreaterThan(lost);
    expect(await fixture.store.publish({ ticket: lost, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.publish({ ticket: next, ...B, now: NOW })).toBe("unchanged");
  });

  it("may publish before the later one, which is then refused: its content may be older", async () => {
    const early = await fixture.store.takeTicket();
    const late = await fixture.store.takeTicket();
    expect(await fixture.store.publish({ ticket: early, ...A, now: NOW })).toBe("published");
    expect(await fixture.store.publish({ ticket: late, ...B, now: NOW })).toBe("refused");
    expect(await publish(B)).toBe("published");
    expect(await publish(B)).toBe("unchanged");
  });

  it("never makes the current version expire, whenever a later one publishes", async () => {
    // Both publish the same content, which must stay at whatever step the earlier one is.
    const other = connectRedis();
    const otherStore = referenceStoreOn(other, fixture.keys);
    for (let round = 0; round < 60; round += 1) {
      const built = numbered(round);
      const early = await fixture.store.takeTicket();
      const late = await otherStore.takeTicket();
      const both = await Promise.all([
        fixture.store.publish({ ticket: early, ...built, now: NOW }),
        otherStore.publish({ ticket: late, ...built, now: NOW }),
      ]);
      expect(both.filter((state) => state !== "refused")).toHaveLength(1);
      await expectNeverToExpire(built);
    }
    other.disconnect();
  });

  it("that stops between writing and publishing changes nothing, and what it wrote expires", async () => {
    await publish(A);
    const before = await fixture.store.load();
    // A counter that is no integer makes the publishing script fail, after the hashes were written.
    await redis.set(fixture.keys.referencePublishedTicket, "x");
    await expect(fixture.store.publish({ ticket: 1, ...B, now: NOW })).rejects.toThrow("compare");
    expect(await fixture.store.load()).toStrictEqual(before);
    await expectNeverToExpire(A);
    expect(await redis.exists(fixture.keys.reference(B.version, "meta"))).toBe(0);
    const staged = PARTS.map((part) => fixture.keys.stagedReference(1, part));
    for (const key of staged) expect(await redis.pttl(key)).toBeGreaterThan(0);
  });
});
