import { describe, expect, it } from "vitest";
import { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { NOW, A, B, numbered, useReferenceStore } from "./reference-store-fixture.ts";

const fixture = useReferenceStore();
const { publish, expectNeverToExpire, expectToExpire } = fixture;

describe("a refresh that began earlier", () => {
  it("is refused once a later one has published, and changes nothing that counts", async () => {
    const early = await fixture.store.takeTicket();
    await publish(B);
    const before = await fixture.store.load();
    expect(await fixture.store.publish({ ticket: early, ...A, now: NOW + 1 })).toBe("refused");
    expect(await fixture.store.load()).toStrictEqual(before);
    await expectNeverToExpire(B);
    await expectToExpire(A);
  });

  it("is refused also with the current content, which stays without end", async () => {
    const early = await fixture.store.takeTicket();
    await publish(B);
    expect(await fixture.store.publish({ ticket: early, ...B, now: NOW - 5 })).toBe("refused");
    expect((await fixture.store.load())?.confirmedAt).toBe(NOW);
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied, until one has begun since", async () => {
    await publish(B);
    const before = await fixture.store.takeTicket();
    await fixture.redis.del(...(await fixture.redis.keys(`${fixture.keys.prefix}*`)));
    expect(await fixture.store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.load()).toBeUndefined();
    expect(await publish(B)).toBe("published");
    await expectNeverToExpire(B);
  });

  it("is refused after Redis was emptied also when one has begun since and has not published yet", async () => {
    const before = await fixture.store.takeTicket();
    await fixture.redis.del(...(await fixture.redis.keys(`${fixture.keys.prefix}*`)));
    const since = await fixture.store.takeTicket();
    expect(await fixture.store.publish({ ticket: before, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.publish({ ticket: since, ...B, now: NOW })).toBe("published");
  });

  it("is refused after Redis has lost its ticket, however many were taken since", async () => {
    await publish(A);
    const kept = (await fixture.redis.get(fixture.keys.referenceTicket)) ?? "";
    await fixture.store.takeTicket();
    const lost = await fixture.store.takeTicket();
    await fixture.redis.set(fixture.keys.referenceTicket, kept);
    expect(await publish(B)).toBe("published");
    const next = await fixture.store.takeTicket();
    expect(next).toBeGreaterThan(lost);
    expect(await fixture.store.publish({ ticket: lost, ...A, now: NOW })).toBe("refused");
    expect(await fixture.store.publish({ ticket: next, ...B, now: NOW })).toBe("unchanged");
  });

  it("may publish when the later one has not, which is then refused: it may have looked before", async () => {
    const early = await fixture.store.takeTicket();
    const late = await fixture.store.takeTicket();
    expect(await fixture.store.publish({ ticket: early, ...A, now: NOW })).toBe("published");
    expect(await fixture.store.publish({ ticket: late, ...B, now: NOW })).toBe("refused");
    expect(await publish(B)).toBe("published");
    expect(await publish(B)).toBe("unchanged");
  });

  it("cannot give the current version an end, whenever it is overtaken", async () => {
    // Wherever the earlier one is when the later one publishes the same content, the content stays.
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

  it("that ends between writing and publishing leaves the current version without end", async () => {
    await publish(A);
    await fixture.redis.del(fixture.keys.reference(A.version, "meta"));
    // A counter that is no integer makes the publishing script fail, after the hashes were written.
    await fixture.redis.set(fixture.keys.referencePublishedTicket, "x");
    await expect(fixture.store.publish({ ticket: 1, ...A, now: NOW })).rejects.toThrow("compare");
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
    await expectNeverToExpire(A);
    await expect(fixture.store.publish({ ticket: 1, ...B, now: NOW })).rejects.toThrow("compare");
    await expectToExpire(B);
  });
});
