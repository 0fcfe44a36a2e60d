import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  exactJson,
  NESTING_MAX,
  numberText,
  parseExactJson,
  parseSafeJson,
} from "../../shared/exact-json.ts";

const BROKEN = [
  "",
  "{",
  "[1,]",
  '{"a":1,}',
  "01",
  "1.",
  ".5",
  "+1",
  "NaN",
  "'a'",
  '"a',
  '"\\x"',
  '"\n"',
  "nul",
  "1 2",
];

describe("exact JSON", () => {
  it("is written as it was read, but for spaces", () => {
    const text = '[ -0, 1.10, 1e400, 9007199254740993, { "a": 0.1234567890123456789, "__proto__": [] } ]';
    expect(exactJson(parseExactJson(text))).toBe(text.replaceAll(" ", ""));
  });

  it("gives the digits of numbers, and of nothing else", () => {
    expect(numberText(parseExactJson("1.10"))).toBe("1.10");
    for (const other of ["1", 1, null, undefined, {}, { value: "1", isLosslessNumber: true }]) {
      expect(numberText(other)).toBeUndefined();
    }
  });

  it("is what JSON.parse reads, for any value and any text", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        expect(JSON.parse(exactJson(parseExactJson(text)))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('{}[]:,"\\ 01-.eE+truefalsn')) }),
        (text) => {
          const read = (parser: (json: string) => unknown): string => {
            try {
              return exactJson(parser(text)) === "" ? "" : "read";
            } catch (error) {
              return error instanceof SyntaxError ? "no JSON" : "failed";
            }
          };
          expect(read(parseExactJson)).toBe(read(JSON.parse));
          expect(read(parseSafeJson)).toBe(read(JSON.parse));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each(BROKEN)("is not %j", (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
    expect(() => parseSafeJson(text)).toThrow(SyntaxError);
  });

  it("is read down to a certain depth, wherever brackets stand in texts", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}"]]\\"[["${"]".repeat(depth)}`;
    expect(exactJson(parseExactJson(nested(NESTING_MAX)))).toBe(nested(NESTING_MAX));
    expect(() => parseExactJson(nested(NESTING_MAX + 1))).toThrow("nested deeper than 500 levels");
    expect(() => parseExactJson("[".repeat(262_144))).toThrow("nested deeper than 500 levels");
  });
});

describe("safe JSON", () => {
  it.each([
    ['{"id":9007199254740993}', { id: "9007199254740993" }],
    ["[1e400,-1e400]", ["1e400", "-1e400"]],
    ["[0.1234567890123456789]", ["0.1234567890123456789"]],
    ["[ 12345678901234567890.5 ]", ["12345678901234567890.5"]],
    [
      '{"at":1736941500000,"price":1.10,"n":1e3,"uid":"9007199254740993"}',
      { at: 1736941500000, price: 1.1, n: 1000, uid: "9007199254740993" },
    ],
  ])("of %s has the numbers that JavaScript would change as texts", (text, expected) => {
    expect(parseSafeJson(text)).toEqual(expected);
  });

  it("says the same number as was written, or its digits", () => {
    const digits = fc.tuple(
      fc.maxSafeInteger(),
      fc.string({ unit: fc.constantFrom(...Array.from("0123456789")), maxLength: 25 }),
      fc.integer({ min: -330, max: 330 }),
    );
    fc.assert(
      fc.property(digits, ([whole, decimals, power]) => {
        const text = `${whole}${decimals === "" ? "" : `.${decimals}`}${power % 3 === 0 ? `e${power}` : ""}`;
        const [value] = parseSafeJson(`[${text}]`) as [unknown];
        if (typeof value === "string") expect(value).toBe(text);
        else expect(value).toBe(Number(text));
      }),
    );
  });
});
