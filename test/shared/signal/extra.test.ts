import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import {
  EXTRA_COUNT_MAX,
  extraNotes,
  extraOf,
  parseExtra,
  withNotedOrder,
} from "../../../shared/signal/extra.ts";

const READ = ["message", "symbol", "bar_time", "time", "sent_at", "received_at", "source", "uid"];

describe("what comes along with a signal", () => {
  test("is the texts of the fields that the router does not read, in their order; empty ones are none", () => {
    const raw = {
      message: "UP",
      qty: "1.50",
      note: ' a "b" ',
      empty: "",
      blank: " ",
      symbol: "BTC",
      stop: "9",
    };
    expect(extraOf(raw)).toEqual({ json: '{"qty":"1.50","note":" a \\"b\\" ","stop":"9"}', leftOut: [] });
    expect(extraOf({ message: "UP", symbol: "BTC" })).toEqual({ json: null, leftOut: [] });
  });

  test("leaves out what is too long or too much, whole", () => {
    const long = extraOf({ note: "x".repeat(513), qty: "1", fits: "ä".repeat(256) });
    expect(long.leftOut).toEqual(["note"]);
    expect(Object.keys(parseExtra(long.json ?? "") ?? {})).toEqual(["qty", "fits"]);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, "1"]));
    expect(extraOf(many).leftOut).toEqual(Object.keys(many).slice(EXTRA_COUNT_MAX));
    const endless = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, "x".repeat(600)]));
    expect(extraOf(endless)).toEqual({ json: null, leftOut: Object.keys(endless).slice(0, EXTRA_COUNT_MAX) });
    const large = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`f${n}`, "x".repeat(500)]));
    expect(Buffer.byteLength(extraOf(large).json ?? "")).toBeLessThanOrEqual(4_096);
    expect(extraOf(large).leftOut).toEqual(Object.keys(large).slice(8));
  });

  test("keeps every character, whatever the names", () => {
    const name = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "toString", "qty"),
      fc.string({ maxLength: 20 }),
    );
    const text = fc
      .string({ unit: "binary", maxLength: 40 })
      .filter((one) => one.isWellFormed() && one.trim() !== "");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 8 }), (pairs) => {
        const raw = fieldsOf(pairs.flat());
        const expected = Object.entries(raw).filter(([one]) => !READ.includes(one));
        const { json, leftOut } = extraOf(raw);
        expect(leftOut).toEqual([]);
        expect(Object.entries(parseExtra(json ?? "{}") ?? {})).toEqual(expected);
      }),
    );
  });
});

test("the log's fields, in whatever order, give the same again by what the decision notes", () => {
  const name = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "c") });
  const value = fc.constantFrom("1", "x".repeat(300), "x".repeat(600));
  const fields = fc.uniqueArray(fc.tuple(name, value), { maxLength: 90, selector: ([one]) => one });
  const shuffled = fields.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([sent, logged]) => {
      const extra = extraOf(fieldsOf(sent.flat()));
      const again = extraOf(withNotedOrder(fieldsOf(logged.flat()), { ...extraNotes(extra) }));
      if (extra.leftOut.length > 0) expect(again).toEqual(extra);
      else expect(parseExtra(again.json ?? "{}")).toEqual(parseExtra(extra.json ?? "{}"));
    }),
  );
});

test.each(["", "x", "[]", "1", "null", '{"a":1}', '{"a":{}}'])("%j is no extra", (json) => {
  expect(parseExtra(json)).toBeUndefined();
});
