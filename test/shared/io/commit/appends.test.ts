import { describe, expect, it } from "vitest";
import { type Append, type Effects } from "../../../../shared/function.ts";
import { useCommit } from "./commit-fixture.ts";
import { result } from "./sample-effects.ts";

const fixture = useCommit();
const { outcomesOf, deliverOne, fields, results, metrics } = fixture;

describe("appends", () => {
  it("are one entry per element, with the element's fields before the shared ones", async () => {
    const append: Append = {
      stream: "strategy_input_stream",
      each: [
        { strategy_id: "1", strategy: "one" },
        { strategy_id: "2", strategy: "" },
        { strategy_id: "3", strategy: "three\u0000\u{1F600}" },
      ],
      fields: { symbol: "BTCUSDT", empty: "" },
    };
    await outcomesOf([{ id: await deliverOne(), effects: { append: [append], count: [] } }]);
    const flat = (await fixture.redis.xrange(fixture.keys.stream("strategy_input_stream"), "-", "+")).map(
      ([, pairs]) => pairs,
    );
    const shared = ["symbol", "BTCUSDT", "empty", ""];
    expect(flat).toStrictEqual([
      ["strategy_id", "1", "strategy", "one", ...shared],
      ["strategy_id", "2", "strategy", "", ...shared],
      ["strategy_id", "3", "strategy", "three\u0000\u{1F600}", ...shared],
    ]);
  });

  it("without elements are none", async () => {
    const append: Append = { stream: "strategy_input_stream", each: [], fields: { a: "b" } };
    const id = await deliverOne();
    expect(
      await outcomesOf([{ id, effects: { append: [append, result("r")], count: ["c"] } }]),
    ).toStrictEqual(["applied"]);
    expect([await fields("strategy_input_stream"), await results(), await metrics()]).toStrictEqual([
      [],
      ["r"],
      { c: "1" },
    ]);
  });

  it("with element fields only, and to several streams in turn, keep their order", async () => {
    const effects: Effects = {
      append: [
        result("1"),
        { stream: "system_events", each: [{ a: "1" }, { a: "2" }], fields: {} },
        result("2"),
        { stream: "system_events", fields: { a: "3" } },
      ],
      count: ["x"],
    };
    await outcomesOf([{ id: await deliverOne(), effects }]);
    expect(await results()).toStrictEqual(["1", "2"]);
    expect(await fields("system_events")).toStrictEqual([{ a: "1" }, { a: "2" }, { a: "3" }]);
  });

  it("go to the very stream the entry was read from, too", async () => {
    const effects: Effects = { append: [{ stream: "signals_stream", fields: { again: "1" } }], count: [] };
    await outcomesOf([{ id: await deliverOne(), effects }]);
    expect(await fields("signals_stream")).toStrictEqual([{ n: "0" }, { again: "1" }]);
  });
});
