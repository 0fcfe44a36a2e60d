import { describe, expect, it } from "vitest";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { STREAM, GROUP, useStreamGroup } from "./stream-group-fixture.ts";

const fixture = useStreamGroup();
const { groupOf, deliver, age, pending } = fixture;

describe("claim", () => {
  it("takes an idle entry over with its fields and counts a delivery", async () => {
    const [id = ""] = await deliver(1);
    await age([id], 50_000, 2);
    expect(await fixture.other.claim(id, 40_000)).toStrictEqual({
      status: "claimed",
      entry: { id, fields: { n: "0" } },
    });
    const [row] = await pending();
    expect(row).toMatchObject({ consumer: "other", deliveries: 3 });
    expect(row?.idleMs).toBeLessThan(30_000);
  });

  it("leaves an entry that is not idle for long enough alone", async () => {
    const [id = ""] = await deliver(1);
    await age([id], 20_000, 2);
    expect(await fixture.other.claim(id, 40_000)).toStrictEqual({ status: "taken" });
    expect(await pending()).toMatchObject([{ consumer: "mine", deliveries: 2 }]);
  });

  it("gives nothing for an entry that is acknowledged or was never delivered", async () => {
    const [id = ""] = await deliver(1);
    await fixture.redis.xack(fixture.key, GROUP, id);
    const [undelivered = ""] = await addEntries(fixture.redis, fixture.key, 1);
    expect([await fixture.other.claim(id, 0), await fixture.other.claim(undelivered, 0)]).toStrictEqual([
      { status: "taken" },
      { status: "taken" },
    ]);
    expect(await pending()).toStrictEqual([]);
  });

  it("is won by one of many who try at once, and counts one delivery", async () => {
    const ids = await deliver(20);
    await age(ids, 50_000);
    const connections = Array.from({ length: 10 }, () => connectRedis());
    const claims = await Promise.all(
      connections.flatMap((connection, n) => {
        const group = groupOf(`c${n}`, connection);
        return ids.map(async (id) => group.claim(id, 40_000));
      }),
    );
    const won = claims.flatMap((claimed) => (claimed.status === "claimed" ? [claimed.entry.id] : []));
    expect(won).toHaveLength(ids.length);
    expect(new Set(won)).toStrictEqual(new Set(ids));
    expect((await pending()).map(({ deliveries }) => deliveries)).toStrictEqual(ids.map(() => 2));
    connections.forEach((connection) => connection.disconnect());
  });

  it("of entries kept fresh never succeeds", async () => {
    const [kept = "", left = ""] = await deliver(2);
    await age([kept, left], 50_000);
    await fixture.mine.extend([kept]);
    expect(await fixture.other.claim(kept, 40_000)).toStrictEqual({ status: "taken" });
    expect(await fixture.other.claim(left, 40_000)).toMatchObject({ status: "claimed", entry: { id: left } });
  });
});

describe("claim of an entry that is not in the stream any more", () => {
  it("says that it is gone and leaves it pending, so that somebody can account for it", async () => {
    const [deleted = ""] = await deliver(1);
    // The other way round it would be out of the pending list already: claiming does that.
    await age([deleted], 50_000);
    await fixture.redis.xdel(fixture.key, deleted);
    expect(await fixture.other.claim(deleted, 60_000)).toStrictEqual({ status: "taken" });
    expect(await fixture.other.claim(deleted, 40_000)).toStrictEqual({ status: "gone" });
    expect(await pending()).toMatchObject([{ id: deleted }]);
    await fixture.redis.xack(fixture.key, GROUP, deleted);
    expect(await fixture.other.claim(deleted, 40_000)).toStrictEqual({ status: "taken" });
  });
});

describe("uncount", () => {
  it("takes a delivery back for its own entries only", async () => {
    const [own = "", foreign = ""] = await deliver(2);
    await age([own, foreign], 50_000, 3);
    await fixture.other.claim(own, 40_000);
    await fixture.other.restoreDeliveryCount(own, 3);
    await fixture.other.restoreDeliveryCount(foreign, 1);
    expect(await pending()).toMatchObject([
      { id: own, consumer: "other", deliveries: 3 },
      { id: foreign, consumer: "mine", deliveries: 3 },
    ]);
  });
});

describe("keep", () => {
  it("makes entries look fresh and counts no delivery", async () => {
    const ids = await deliver(3);
    await age(ids, 50_000, 2);
    expect(await fixture.mine.extend(ids)).toStrictEqual([]);
    const rows = await pending();
    expect(rows.map(({ id, consumer, deliveries }) => [id, consumer, deliveries])).toStrictEqual(
      ids.map((id) => [id, "mine", 2]),
    );
    for (const { idleMs } of rows) expect(idleMs).toBeLessThan(30_000);
  });

  it("names entries that others took over or that are acknowledged, and takes none of them back", async () => {
    const [own = "", taken = "", acknowledged = ""] = await deliver(3);
    await age([own, taken, acknowledged], 50_000);
    await fixture.other.claim(taken, 40_000);
    await fixture.redis.xack(fixture.key, GROUP, acknowledged);
    expect(await fixture.mine.extend([own, taken, acknowledged, "99-99"])).toStrictEqual([
      taken,
      acknowledged,
      "99-99",
    ]);
    expect(await pending()).toMatchObject([
      { id: own, consumer: "mine", deliveries: 1 },
      { id: taken, consumer: "other", deliveries: 2 },
    ]);
  });

  it("leaves an entry that was deleted or trimmed meanwhile to be committed by its holder", async () => {
    const [deleted = "", trimmed = "", kept = ""] = await deliver(3);
    await age([deleted, trimmed, kept], 50_000);
    await fixture.redis.xdel(fixture.key, trimmed);
    await fixture.redis.xtrim(fixture.key, "MINID", kept);
    expect(await fixture.mine.extend([deleted, trimmed, kept])).toStrictEqual([]);
    const fence = { kind: "group", stream: STREAM, group: GROUP } as const;
    const items = [deleted, trimmed, kept].map((id) => ({ id, effects: { append: [], count: ["done"] } }));
    const [part] = await commitOn(fixture.redis, fixture.keys, { dedupTtlMs: 1000 })(items, { fence });
    expect(part?.answer).toStrictEqual({ status: "committed", outcomes: ["applied", "applied", "applied"] });
  });

  it("of nothing asks nothing", async () => {
    await fixture.redis.del(fixture.key);
    expect(await fixture.mine.extend([])).toStrictEqual([]);
    expect(await contentsOf(fixture.redis, fixture.keys.prefix)).toStrictEqual({});
  });

  it("touches only the key it declares", async () => {
    const ids = await deliver(2);
    const access = await scriptAccess(fixture.redis, fixture.keys.prefix, () =>
      fixture.mine.extend([...ids, "1-1"]),
    );
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThanOrEqual(5);
  });
});
