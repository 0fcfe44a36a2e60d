import { describe, expect, test } from "vitest";
import * as z from "zod";
import { extraNumber, extraText, withExtra } from "../../shared/extra-params.ts";
import { address, secretName } from "../../shared/strategy.ts";

const schema = z.strictObject({
  quantity: extraNumber(),
  orders: z.array(z.strictObject({ note: extraText() })).default([]),
});
const filled = (params: unknown, extra: Record<string, string>) => withExtra(schema.parse(params), extra);

describe("a param may refer to what comes along with the signal", () => {
  test.each(["1", "-1", "0.00000001", "123456789012345678901234567890.10", "007"])(
    "the number %s is passed on as its digits",
    (qty) => {
      const params = { quantity: "{{extra.qty}}", orders: [{ note: "{{ extra.my note }}" }] };
      expect(filled(params, { qty, "my note": " a " })).toEqual({
        ok: true,
        params: { quantity: qty, orders: [{ note: " a " }] },
      });
    },
  );

  test.each(["1e3", "1,5", "NaN", "", " 1", "1.", ".5", "+1", "0x1", "1 2", "١"])(
    "%j is no number",
    (qty) => {
      expect(filled({ quantity: "{{extra.qty}}" }, { qty })).toEqual({
        ok: false,
        fault: `extra.qty: expected a number such as 1.5, got ${JSON.stringify(qty)}`,
      });
    },
  );

  test("what did not come along is named, also where the name is one of every object", () => {
    for (const name of ["qty", "toString", "__proto__"]) {
      const fault = `extra.${name}: expected a number such as 1.5, but it did not come along`;
      expect(filled({ quantity: `{{extra.${name}}}` }, {})).toEqual({ ok: false, fault });
    }
  });

  test("a value of its own stays as it is, and what came along is never read as a reference", () => {
    expect(filled({ quantity: 1.5 }, {})).toMatchObject({ params: { quantity: "1.5", orders: [] } });
    expect(filled({ quantity: "2.50", orders: [{ note: "x" }] }, {})).toMatchObject({
      params: { quantity: "2.50", orders: [{ note: "x" }] },
    });
    const params = { quantity: 1, orders: [{ note: "{{extra.a}}" }] };
    expect(filled(params, { a: "{{extra.b}}", b: "no" })).toMatchObject({
      params: { orders: [{ note: "{{extra.b}}" }] },
    });
  });
});

test.each([
  ["a form that is none", schema, { quantity: "{{qty}}" }],
  ["more than the reference", schema, { quantity: "1{{extra.qty}}" }],
  ["a number that is none", schema, { quantity: 1e21 }],
  ["a reference inside a text", schema, { quantity: 1, orders: [{ note: "a {{extra.b}}" }] }],
  ["a reference in an address", z.object({ url: address() }), { url: "https://broker.test/{{extra.path}}" }],
  ["a reference for an address", z.object({ url: address() }), { url: "{{extra.url}}" }],
  ["a reference for a secret", z.object({ key: secretName() }), { key: "{{extra.key}}" }],
])("%s is refused when the reference is read", (_, of, params) => {
  expect(of.safeParse(params).success).toBe(false);
});
