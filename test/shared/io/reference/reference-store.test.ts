import { describe, expect, it } from "vitest";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { A, B, emptyReferenceStore, NOW, PARTS, sized } from "./reference-store-fixture.ts";

const fixture = emptyReferenceStore();
const { redis, publish, expectNeverToExpire, expectToExpire } = fixture;

describe("a published reference", () => {
  it("is loaded as it was, with its version, counts and times", async () => {
    const odd = buildReference(
      referenceRows({
        tickers: [tickerRow("BTCUSDT"), tickerRow("КРИПТО\u0001\u{1F600}", { status: "disabled" })],
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
    expect(await fixture.store.currentVersion()).toBe(odd.version);
    expect(await fixture.store.load()).toStrictEqual({
      version: odd.version,
      content: odd.content,
      meta: {
        tickers: 2,
        strategies: 1,
        strategy_signals: odd.content.phrases.size,
        created_at: new Date(NOW).toISOString(),
        format: 2,
      },
      faults: { count: 0, named: [] },
      confirmedAt: NOW,
    });
  });

  it("has the third format as long as versions before would not see all of it", async () => {
    const added = buildReference(
      referenceRows({
        tickers: [tickerRow("BTCUSDT", { exchanges: ["*"] }), tickerRow("BTCUSDT.P")],
        signals: [signalRow(1, { long_exit_phrase: "OUT" })],
        strategies: [strategyRow(10, { exits: true, exit_age_ms_max: 0 })],
        ticker_aliases: [{ alias: "XBT", symbol: "BTCUSDT" }],
        webhook_sources: [
          { name: "mine", enabled: true, format: "form", template: { symbol: "{{s}}" }, uid: "{{id}}" },
        ],
      }),
    );
    for (const [built, format] of [
      [added, 3],
      [A, 2],
      [added, 3],
    ] as const) {
      expect(await publish(built)).toBe("published");
      expect(await fixture.store.load()).toMatchObject({ content: built.content, meta: { format } });
      expect(await publish(built)).toBe("unchanged");
    }
    await redis.hset(fixture.keys.reference(added.version, "meta"), "sources", "[]");
    expect(await fixture.store.load()).toBeUndefined();
  });

  it("may be empty, or too large for one command", async () => {
    for (const built of [sized(0), sized(2_500)]) {
      expect(await publish(built)).toBe("published");
      expect((await fixture.store.load())?.content).toStrictEqual(built.content);
    }
  });

  it("does not exist before the first publication", async () => {
    expect([await fixture.store.currentVersion(), await fixture.store.load()]).toStrictEqual([
      undefined,
      undefined,
    ]);
  });

  it("that is unchanged stays current, is confirmed again and does not expire", async () => {
    await publish(A);
    await redis.expire(fixture.keys.reference(A.version, "tickers"), 100);
    expect(await publish(A, NOW + 30_000)).toBe("unchanged");
    const loaded = await fixture.store.load();
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
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
  });

  it("is complete again after its old hashes were changed or have partly expired", async () => {
    await publish(A);
    await publish(B);
    await redis.hset(fixture.keys.reference(A.version, "tickers"), "GARBAGE", "{}");
    await redis.del(fixture.keys.reference(A.version, "strategies"));
    expect(await publish(A)).toBe("published");
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
  });
});

describe("a broken current version", () => {
  const damages: readonly { what: string; damage: () => Promise<unknown> }[] = [
    ...PARTS.map((part) => ({
      what: `${part} deleted`,
      damage: () => redis.del(fixture.keys.reference(A.version, part)),
    })),
    {
      what: "one ticker missing",
      damage: () =>
        redis.hdel(fixture.keys.reference(A.version, "tickers"), [...A.content.tickers.keys()][0] ?? ""),
    },
    {
      what: "a strategy that is not JSON",
      damage: () => redis.hset(fixture.keys.reference(A.version, "strategies"), "1", "{"),
    },
    {
      what: "a phrase of another shape",
      damage: () => redis.hset(fixture.keys.reference(A.version, "strategy_signals"), "signal_1_long", "{}"),
    },
    {
      what: "counts that are not numbers",
      damage: () => redis.hset(fixture.keys.reference(A.version, "meta"), "tickers", "x"),
    },
    {
      what: "a hash of another type",
      async damage() {
        await redis.del(fixture.keys.reference(A.version, "tickers"));
        await redis.set(fixture.keys.reference(A.version, "tickers"), "x");
      },
    },
  ];

  it.each(damages)("($what) is not loaded, and the next refresh repairs it", async ({ damage }) => {
    await publish(A);
    await damage();
    expect(await fixture.store.load()).toBeUndefined();
    expect(await fixture.store.currentVersion()).toBe(A.version);
    expect(await publish(A, NOW + 1)).toBe("unchanged");
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
    await expectNeverToExpire(A);
  });

  it.each(damages)("($what) is replaced by another version", async ({ damage }) => {
    await publish(A);
    await damage();
    expect(await publish(B)).toBe("published");
    expect((await fixture.store.load())?.content).toStrictEqual(B.content);
  });

  it("is not taken for an empty reference", async () => {
    await publish(sized(0));
    await redis.del(fixture.keys.reference(sized(0).version, "meta"));
    expect(await fixture.store.load()).toBeUndefined();
  });
});

it("publishing touches only keys its scripts declare", async () => {
  const access = await scriptAccess(redis, fixture.keys.prefix, async () => {
    await publish(A);
    await publish(B);
    await publish(B);
    await fixture.store.publish({ ticket: 1, ...A, now: NOW });
  });
  expect(access.undeclared).toStrictEqual([]);
  expect(access.touched).toBeGreaterThan(20);
  expect(Object.keys(await contentsOf(redis, fixture.keys.prefix))).toContain("reference:current");
});
