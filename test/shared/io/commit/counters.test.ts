import { describe, expect, it } from "vitest";
import { NO_EFFECTS, type Effects } from "../../../../shared/function.ts";
import { PROCESSING_MS_BOUNDS, processingField } from "../../../../shared/metrics.ts";
import { GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";

const fixture = useCommit();
const { outcomesOf, deliver, metrics } = fixture;

describe("counters", () => {
  it("add up over calls and branches, several of a kind within one entry included", async () => {
    const ids = await deliver(300);
    const effects = (n: number): Effects => ({
      append: [],
      count: ["all", "all", `mod:${n % 3}`],
      claim: { uid: `u${n % 100}`, ifLost: { append: [], count: ["lost", `mod:${n % 3}`] } },
    });
    await fixture.redis.hset(fixture.keys.metrics, { all: "1000000", other: "not mine", lost: "-5" });
    await outcomesOf(ids.map((id, n) => ({ id, effects: effects(n) })));
    expect(await metrics()).toStrictEqual({
      all: "1000200",
      lost: "195",
      other: "not mine",
      "mod:0": "100",
      "mod:1": "100",
      "mod:2": "100",
    });
  });

  it("hold the time from the entry's id to the commit in a bucket and a sum", async () => {
    const stream = fixture.keys.stream("signals_stream");
    const start = Date.now();
    const ages = [3_600_000, 70_000, 30_000, 7_000];
    const ids = ages.map((age) => `${start - age}-0`);
    for (const id of ids) await fixture.redis.xadd(stream, id, "a", "b");
    await fixture.redis.xgroup("CREATE", stream, "signal_processor", "0");
    await fixture.redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", stream, ">");
    const items = ids.map((id) => ({ id, effects: NO_EFFECTS }));
    await fixture.commit([...items, ...items], { ...GROUP, timing: "f" });
    const { [processingField("f", "sum")]: sum, ...buckets } = await metrics();
    expect(buckets).toStrictEqual({
      [processingField("f", "inf")]: "2",
      [processingField("f", 60_000)]: "1",
      [processingField("f", 10_000)]: "1",
    });
    const least = ages.reduce((total, age) => total + age, 0);
    expect(Number(sum)).toBeGreaterThanOrEqual(least);
    expect(Number(sum)).toBeLessThanOrEqual(least + ages.length * (Date.now() - start + 1));
  });

  it("count every entry that wins its fence in exactly one bucket, whatever becomes of its claim", async () => {
    const ids = await deliver(6);
    await fixture.commit([{ id: ids[0] ?? "", effects: dispatch("u") }], ONCE);
    const items = ids.map((id) => ({ id, effects: dispatch("u") }));
    expect(await outcomesOf([...items, ...items], { ...GROUP, timing: "f" })).toStrictEqual([
      "held",
      "fenced",
      ...Array.from({ length: 5 }, () => "duplicate"),
      ...Array.from({ length: 5 }, () => "fenced"),
    ]);
    const found = await metrics();
    const buckets = [...PROCESSING_MS_BOUNDS, "inf" as const].map(
      (bound) => found[processingField("f", bound)] ?? "0",
    );
    expect(buckets.reduce((total, bucket) => total + Number(bucket), 0)).toBe(6);
  });

  it("take an entry whose id lies in the future as committed at once", async () => {
    const stream = fixture.keys.stream("signals_stream");
    const id = `${Date.now() + 3_600_000}-0`;
    await fixture.redis.xadd(stream, id, "a", "b");
    await fixture.redis.xgroup("CREATE", stream, "signal_processor", "0");
    await fixture.redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", stream, ">");
    await fixture.commit([{ id, effects: NO_EFFECTS }], { ...GROUP, timing: "f" });
    expect(await metrics()).toStrictEqual({
      [processingField("f", 1)]: "1",
      [processingField("f", "sum")]: "0",
    });
  });
});
