import { describe, expect, it } from "vitest";
import type { CommitItem } from "../../../../shared/commit.ts";
import { NO_EFFECTS, type Effects } from "../../../../shared/function.ts";
import { processingField } from "../../../../shared/metrics.ts";
import { GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { record } from "./sample-effects.ts";
import { DECIDED, useDecidedEntry } from "./untouched.ts";

const fixture = useCommit();
const { outcomesOf, deliver, metrics } = fixture;

const MAX_ID = "18446744073709551615-18446744073709551615";

describe("nothing at all is written", () => {
  const entry = useDecidedEntry(fixture);
  const { expectUntouched } = entry;

  it.each([
    "",
    "abc",
    "1.5",
    "1e3",
    " 1",
    "-",
    "--1",
    "-1.5",
    "1-",
    "1\n",
    "0x10",
    "9999999999999999",
    "nan",
  ])("when a counter to be raised holds %j", async (value) => {
    const problem = (field: string) => `field ${field} is not an integer of up to 15 digits`;
    await fixture.redis.hset(fixture.keys.metrics, "signals:dispatched", value);
    await expectUntouched(GROUP, {
      status: "blocked",
      key: fixture.keys.metrics,
      problem: problem("signals:dispatched"),
    });
    await fixture.redis.hdel(fixture.keys.metrics, "signals:dispatched");
    await fixture.redis.hset(fixture.keys.metrics, processingField("f", "sum"), value);
    await expectUntouched(DECIDED, {
      status: "blocked",
      key: fixture.keys.metrics,
      problem: problem(processingField("f", "sum")),
    });
  });

  it.each(["strategy_input_stream", "signal_results"] as const)("when %s has no ids left", async (stream) => {
    await fixture.redis.xadd(fixture.keys.stream(stream), MAX_ID, "a", "b");
    const problem = `has no entry ids left: its last one is ${MAX_ID}`;
    await expectUntouched(GROUP, { status: "blocked", key: fixture.keys.stream(stream), problem });
  });

  it("when a stream has no ids left although its entries are gone", async () => {
    const stream = fixture.keys.stream("signal_results");
    await fixture.redis.xadd(stream, MAX_ID, "a", "b");
    await fixture.redis.xtrim(stream, "MAXLEN", 0);
    const problem = `has no entry ids left: its last one is ${MAX_ID}`;
    await expectUntouched(GROUP, { status: "blocked", key: stream, problem });
  });
});

describe("appends", () => {
  it("of one entry may be tens of thousands", async () => {
    const each = Array.from({ length: 40_000 }, (_, n) => ({ strategy_id: String(n), strategy: `s${n}` }));
    const effects: Effects = {
      append: [{ stream: "strategy_input_stream", each, fields: { a: "b" } }],
      count: each.map(({ strategy_id }) => `strategy:${strategy_id}:dispatched`),
    };
    const [a = "", b = "", c = ""] = await deliver(3);
    const items = [
      { id: a, effects: record("before") },
      { id: b, effects },
      { id: c, effects: record("after") },
    ];
    expect(await outcomesOf(items)).toStrictEqual(["applied", "applied", "applied"]);
    expect(await fixture.redis.xlen(fixture.keys.stream("strategy_input_stream"))).toBe(40_000);
    expect(await fixture.redis.hlen(fixture.keys.metrics)).toBe(40_001);
  });
});

describe("counters", () => {
  it("never block a commit: a sum that grows too large stays at its limit", async () => {
    // Entries with made-up ids such as 1-1 seem to have taken half a century each.
    const items = (from: number): CommitItem[] =>
      Array.from({ length: 128 }, (_, n) => ({ id: `1-${from + n}`, effects: NO_EFFECTS }));
    const statuses: string[] = [];
    for (let from = 0; from < 128 * 6; from += 128) {
      const parts = await fixture.commit(items(from), { ...ONCE, timing: "f" });
      for (const { answer } of parts) statuses.push(answer.status);
    }
    expect(new Set(statuses)).toStrictEqual(new Set(["committed"]));
    expect(await metrics()).toStrictEqual({
      [processingField("f", "inf")]: String(128 * 6),
      [processingField("f", "sum")]: "999999999999999",
    });
  });
});
