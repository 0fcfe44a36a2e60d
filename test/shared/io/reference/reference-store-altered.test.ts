import { describe, expect, it } from "vitest";
import { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import type { ReferencePart } from "../../../../shared/keys.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import { rowsWithStrategies, strategyRow } from "../../../builders.ts";
import { A, B, emptyReferenceStore, NOW } from "./reference-store-fixture.ts";

const fixture = emptyReferenceStore();
const { redis, publish, expectNeverToExpire } = fixture;

/** A field of the hash of A, and other content of the form that a router writes. */
const FIELDS = {
  tickers: ["T1OF2", { status: "disabled", trade_permission: "enabled" }],
  strategies: ["1", { ...strategyRow(1, { name: "of 2", params: { size: 7 } }), symbols: null }],
  strategy_signals: [
    "signal_1_long",
    {
      phrase: "SIGNAL_1_LONG",
      state: "enabled",
      signal_id: 1,
      signal_ids: [1],
      direction: "short",
      strategy_ids: [1],
    },
  ],
} as const satisfies Partial<Record<ReferencePart, unknown>>;
const parts = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

async function checkedLoad() {
  const checked: (string | undefined)[] = [];
  const onChecked = (_version: string, damage: string | undefined) => void checked.push(damage);
  const loaded = await referenceStoreOn(redis, fixture.keys, { onChecked }).load();
  return { loaded, checked };
}

describe.each(parts)("the hash of %s of the current version", (part) => {
  const [field, other] = FIELDS[part];
  const key = () => fixture.keys.reference(A.version, part);
  const count = async (by: number) => redis.hincrby(fixture.keys.reference(A.version, "meta"), part, by);

  it.each([
    ["with an altered field", async () => redis.hset(key(), field, JSON.stringify(other))],
    [
      "with an added field",
      async () => {
        await redis.hset(key(), part === "strategies" ? "77" : "ADDED", JSON.stringify(other));
        await count(1);
      },
    ],
    [
      "without one of its fields",
      async () => {
        await redis.hdel(key(), field);
        await count(-1);
      },
    ],
  ])("is not used %s, which is reported, and the next refresh repairs it", async (_, alter) => {
    await publish(A);
    expect(await checkedLoad()).toMatchObject({ loaded: { version: A.version }, checked: [undefined] });
    await alter();
    expect(await checkedLoad()).toStrictEqual({
      loaded: undefined,
      checked: ["was altered: its content is not what was published"],
    });
    expect(await publish(A, NOW + 1)).toBe("unchanged");
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
    await expectNeverToExpire(A);
  });
});

it("the faults of the rows are part of what is compared", async () => {
  const built = buildReference({ ...rowsWithStrategies([strategyRow(10)]), strategy_signals: [{}] });
  await publish(built);
  expect((await fixture.store.load())?.faults).toStrictEqual({ count: 2, named: built.faults });
  await redis.hdel(fixture.keys.reference(built.version, "meta"), "faults");
  expect(await fixture.store.load()).toBeUndefined();
  expect(await publish(built)).toBe("unchanged");
  expect((await fixture.store.load())?.faults.count).toBe(2);
});

describe("a snapshot of the format before", () => {
  /** Makes the current version what a router of the version before has written. */
  async function writeAsBefore(): Promise<void> {
    await publish(A);
    await redis.hdel(fixture.keys.reference(A.version, "meta"), "format");
    const key = fixture.keys.reference(A.version, "strategies");
    for (const [id, strategy] of A.content.strategies) await redis.hset(key, id, JSON.stringify(strategy));
  }

  it("can be used, and the first refresh writes it in the present format", async () => {
    await writeAsBefore();
    expect(await fixture.store.load()).toMatchObject({ content: A.content, meta: { format: 1 } });
    expect(await publish(A, NOW + 1)).toBe("unchanged");
    expect(await fixture.store.load()).toMatchObject({ content: A.content, meta: { format: 2 } });
    await expectNeverToExpire(A);
  });

  it("is compared with its version, too", async () => {
    await writeAsBefore();
    const [field, other] = FIELDS.tickers;
    await redis.hset(fixture.keys.reference(A.version, "tickers"), field, JSON.stringify(other));
    expect(await fixture.store.load()).toBeUndefined();
    expect(await publish(A)).toBe("unchanged");
    expect((await fixture.store.load())?.content).toStrictEqual(A.content);
  });
});

describe("a snapshot of a higher format", () => {
  it.each([
    ["of the same version", A],
    ["of another version", B],
  ])("is not published over by content %s, and is used as far as it can be read", async (_, built) => {
    await publish(A);
    const meta = fixture.keys.reference(A.version, "meta");
    await redis.hset(meta, "format", "4", "checksum", "x");
    const before = await redis.hgetall(meta);
    expect(await publish(built, NOW + 1)).toBe("newer_format");
    expect(await fixture.store.load()).toMatchObject({ version: A.version, confirmedAt: NOW });
    expect(await redis.hgetall(meta)).toStrictEqual(before);
    expect(await redis.keys(`${fixture.keys.prefix}*staged*`)).toStrictEqual([]);
    await redis.hset(fixture.keys.reference(A.version, "tickers"), "T1OF2", '{"status":["new"]}');
    expect(await checkedLoad()).toStrictEqual({
      loaded: undefined,
      checked: ["has content that this router cannot read (format 4, this router knows 3: upgrade it)"],
    });
  });

  it("published while a refresh is on its way stays", async () => {
    await publish(A);
    const ticket = await fixture.store.takeTicket();
    const publishing = fixture.store.publish({ ticket, ...B, now: NOW });
    await redis.hset(fixture.keys.reference(A.version, "meta"), "format", "4");
    expect(await publishing).toBe("newer_format");
    expect(await fixture.store.currentVersion()).toBe(A.version);
  });
});
