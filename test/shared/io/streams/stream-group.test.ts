import { describe, expect, it, vi } from "vitest";
import { GroupMissingError } from "../../../../shared/io/streams/pending-entries.ts";
import { addEntries } from "../../../servers/redis-contents.ts";
import { freshGroup, GROUP } from "./stream-group-fixture.ts";

const fixture = freshGroup();
const { redis, blocking, deliver, age, pending } = fixture;

describe("read", () => {
  it("gives new entries once, in order, up to the requested number", async () => {
    const ids = await addEntries(redis, fixture.key, 5);
    const first = await fixture.mine.read(blocking, { countMax: 3, blockMs: 0 });
    const rest = await fixture.other.read(blocking, { countMax: 3, blockMs: 0 });
    expect([...first, ...rest]).toStrictEqual(ids.map((id, n) => ({ id, fields: { n: String(n) } })));
    expect(first).toHaveLength(3);
    expect(await fixture.mine.read(blocking, { countMax: 3, blockMs: 0 })).toStrictEqual([]);
    expect((await pending()).map(({ consumer }) => consumer)).toStrictEqual([
      "mine",
      "mine",
      "mine",
      "other",
      "other",
    ]);
  });

  it("waits for entries", async () => {
    const reading = fixture.mine.read(blocking, { countMax: 3, blockMs: 10_000 });
    await vi.waitFor(async () => {
      expect(await redis.client("LIST")).toMatch(/name=test-blocking .*cmd=xreadgroup/);
    });
    const [id] = await addEntries(redis, fixture.key, 1);
    expect(await reading).toStrictEqual([{ id, fields: { n: "0" } }]);
  });

  it("gives nothing when none came in time", async () => {
    expect(await fixture.mine.read(blocking, { countMax: 3, blockMs: 10 })).toStrictEqual([]);
  });

  it("gives binary values and empty or dangerous names unchanged", async () => {
    const garbage = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a]);
    const names = ["__proto__", "constructor", "", "toString", "1"];
    const id = await redis.xadd(
      fixture.key,
      "*",
      ...names.flatMap((name) => [name, `v${name}`]),
      "g",
      garbage,
    );
    const [entry] = await fixture.mine.read(blocking, { countMax: 1, blockMs: 0 });
    expect(entry?.id).toBe(id);
    expect(Object.entries(entry?.fields ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))).toStrictEqual([
      ["", "v"],
      ["1", "v1"],
      ["__proto__", "v__proto__"],
      ["constructor", "vconstructor"],
      ["g", garbage.toString("utf8")],
      ["toString", "vtoString"],
    ]);
    expect(Object.getPrototypeOf(entry?.fields)).toBe(Object.prototype);
  });
});

describe("a missing group", () => {
  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["read", () => fixture.mine.read(blocking, { countMax: 1, blockMs: 0 })],
    ["a waiting read", () => fixture.mine.read(blocking, { countMax: 1, blockMs: 1000 })],
    ["pending", () => pending()],
    ["claim", () => fixture.claim("mine", ["1-1"], 0)],
    ["extend", () => fixture.mine.extend(["1-1"])],
  ];

  it.each(calls)("is reported by %s when the group does not exist", async (_, call) => {
    await redis.xgroup("DESTROY", fixture.key, GROUP);
    await expect(call()).rejects.toThrow(GroupMissingError);
  });

  it.each(calls)("is reported by %s when the stream does not exist", async (_, call) => {
    await redis.del(fixture.key);
    await expect(call()).rejects.toThrow(GroupMissingError);
    expect(await redis.exists(fixture.key)).toBe(0);
  });

  it.each(["DEL", "XGROUP DESTROY"])("ends a waiting read when %s removes it", async (how) => {
    const reading = fixture.mine
      .read(blocking, { countMax: 1, blockMs: 10_000 })
      .catch((error: unknown) => error);
    await vi.waitFor(async () => {
      expect(await redis.client("LIST")).toMatch(/name=test-blocking .*cmd=xreadgroup/);
    });
    await (how === "DEL" ? redis.del(fixture.key) : redis.xgroup("DESTROY", fixture.key, GROUP));
    expect(await reading).toBeInstanceOf(GroupMissingError);
  });

  it("is not reported for a key of another type", async () => {
    await redis.del(fixture.key);
    await redis.set(fixture.key, "x");
    const error = await fixture.mine
      .read(blocking, { countMax: 1, blockMs: 0 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining("WRONGTYPE") });
    expect(error).not.toBeInstanceOf(GroupMissingError);
  });
});

describe("pending", () => {
  it("gives the consumer, idle time and deliveries of each entry", async () => {
    const [a = "", b = ""] = await deliver(2);
    await age([a], 50_000, 4);
    expect(await pending()).toStrictEqual([
      { id: a, consumer: "mine", idleMs: expect.any(Number), deliveries: 4 },
      { id: b, consumer: "mine", idleMs: expect.any(Number), deliveries: 1 },
    ]);
    const [found, ...more] = await pending(40_000);
    expect(more).toStrictEqual([]);
    expect(found?.id).toBe(a);
    expect(found?.idleMs).toBeGreaterThanOrEqual(50_000);
    expect(found?.idleMs).toBeLessThan(80_000);
  });

  it("continues after an id, so that pages show each entry once", async () => {
    const ids = await deliver(7);
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await fixture.mine.pending({
        idleMs: 0,
        countMax: 3,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(seen).toStrictEqual(ids);
  });
});
