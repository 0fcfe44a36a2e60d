import { describe, expect, it } from "vitest";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { freshGroup, GROUP, STREAM } from "./stream-group-fixture.ts";

const fixture = freshGroup();
const { redis, groupOf, deliver, age, pending } = fixture;

describe("claim", () => {
  it("gives an idle entry with its fields and counts a delivery", async () => {
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

  it("does not change an entry that has not been idle for long enough", async () => {
    const [id = ""] = await deliver(1);
    await age([id], 20_000, 2);
    expect(await fixture.other.claim(id, 40_000)).toStrictEqual({ status: "taken" });
    expect(await pending()).toMatchObject([{ consumer: "mine", deliveries: 2 }]);
  });

  it("gives nothing for an entry that is acknowledged or was never delivered", async () => {
    const [id = ""] = await deliver(1);
    await redis.xack(fixture.key, GROUP, id);
    const [undelivered = ""] = await addEntries(redis, fixture.key, 1);
    expect([await fixture.other.claim(id, 0), await fixture.other.claim(undelivered, 0)]).toStrictEqual([
      { status: "taken" },
      { status: "taken" },
    ]);
    expect(await pending()).toStrictEqual([]);
  });

  it("succeeds for one of many consumers at once, and counts one delivery", async () => {
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

  it("of extended entries never succeeds", async () => {
    const [kept = "", left = ""] = await deliver(2);
    await age([kept, left], 50_000);
    await fixture.mine.extend([kept]);
    expect(await fixture.other.claim(kept, 40_000)).toStrictEqual({ status: "taken" });
    expect(await fixture.other.claim(left, 40_000)).toMatchObject({ status: "claimed", entry: { id: left } });
  });
});

describe("claim of an entry that is no longer in the stream", () => {
  it("says that it is gone and leaves it pending, so that it can become a dead letter", async () => {
    const [deleted = ""] = await deliver(1);
    // In this order, since XCLAIM of a deleted entry removes it from the pending list.
    await age([deleted], 50_000);
    await redis.xdel(fixture.key, deleted);
    expect(await fixture.other.claim(deleted, 60_000)).toStrictEqual({ status: "taken" });
    expect(await fixture.other.claim(deleted, 40_000)).toStrictEqual({ status: "gone" });
    expect(await pending()).toMatchObject([{ id: deleted }]);
    await redis.xack(fixture.key, GROUP, deleted);
    expect(await fixture.other.claim(deleted, 40_000)).toStrictEqual({ status: "taken" });
  });
});

describe("restoreDeliveryCount", () => {
  it("sets the count of its own entries only", async () => {
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

describe("extend", () => {
  it("resets the idle time and counts no delivery", async () => {
    const ids = await deliver(3);
    await age(ids, 50_000, 2);
    expect(await fixture.mine.extend(ids)).toStrictEqual([]);
    const rows = await pending();
    expect(rows.map(({ id, consumer, deliveries }) => [id, consumer, deliveries])).toStrictEqual(
      ids.map((id) => [id, "mine", 2]),
    );
    for (const { idleMs } of rows) expect(idleMs).toBeLessThan(30_000);
  });

  it("gives the ids that others claimed or that are acknowledged, and claims none of them", async () => {
    const [own = "", taken = "", acknowledged = ""] = await deliver(3);
    await age([own, taken, acknowledged], 50_000);
    await fixture.other.claim(taken, 40_000);
    await redis.xack(fixture.key, GROUP, acknowledged);
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

  it("leaves an entry that was deleted or trimmed pending, so that it can be committed", async () => {
    const [deleted = "", trimmed = "", kept = ""] = await deliver(3);
    await age([deleted, trimmed, kept], 50_000);
    await redis.xdel(fixture.key, trimmed);
    await redis.xtrim(fixture.key, "MINID", kept);
    expect(await fixture.mine.extend([deleted, trimmed, kept])).toStrictEqual([]);
    const fence = { kind: "group", stream: STREAM, group: GROUP } as const;
    const items = [deleted, trimmed, kept].map((id) => ({ id, effects: { append: [], count: ["done"] } }));
    const [part] = await commitOn(redis, fixture.keys, { dedupTtlMs: 1000 })(items, { fence });
    expect(part?.answer).toStrictEqual({ status: "committed", outcomes: ["applied", "applied", "applied"] });
  });

  it("of no entries sends no command", async () => {
    await redis.del(fixture.key);
    expect(await fixture.mine.extend([])).toStrictEqual([]);
    expect(await contentsOf(redis, fixture.keys.prefix)).toStrictEqual({});
  });

  it("touches only the key it declares", async () => {
    const ids = await deliver(2);
    const access = await scriptAccess(redis, fixture.keys.prefix, () => fixture.mine.extend([...ids, "1-1"]));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThanOrEqual(5);
  });
});
