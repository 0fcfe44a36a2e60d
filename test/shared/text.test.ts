import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf } from "../../shared/entry.ts";
import {
  cleanFields,
  cutText,
  excerpt,
  FIELD_BYTES_MAX,
  printableJson,
  printableJsonLine,
  storable,
} from "../../shared/text.ts";
import { anyFields } from "../arbitraries.ts";

describe("a text is cut to bytes of UTF-8", () => {
  test.each([
    ["abc", 3, "abc"],
    ["abcd", 3, "abc"],
    ["", 0, ""],
    ["a", 0, ""],
    ["aé", 2, "a"],
    ["aé", 3, "aé"],
    ["€€", 5, "€"],
    ["😀", 3, ""],
    ["x😀", 4, "x"],
    ["x😀y", 5, "x😀"],
    ["😀😀", 7, "😀"],
  ])("%j to %i is %j", (text, bytesMax, cut) => {
    expect(cutText(text, bytesMax)).toBe(cut);
  });

  test("never in the middle of a character, and never more than needed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 40 }), (text, bytesMax) => {
        const cut = cutText(text, bytesMax);
        expect(text.startsWith(cut)).toBe(true);
        expect(cut.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytesMax);
        const next = text.codePointAt(cut.length);
        const sizeWithNext =
          next === undefined ? Infinity : Buffer.byteLength(cut + String.fromCodePoint(next));
        expect(sizeWithNext).toBeGreaterThan(bytesMax);
      }),
      { numRuns: 1000 },
    );
  });
});

test("an excerpt is 200 bytes of a long text and all of a short one", () => {
  expect([excerpt("x".repeat(201)), excerpt("short")]).toEqual(["x".repeat(200), "short"]);
});

test("NUL characters and broken surrogates are replaced one by one, whole characters are kept", () => {
  expect(storable("a\0\0b\uD83D😀\uDE00")).toBe("a\uFFFD\uFFFDb\uFFFD😀\uFFFD");
});

test("fields that need no change are returned as the same object", () => {
  const fields = { message: "x".repeat(FIELD_BYTES_MAX), "": "é😀", ["__proto__"]: "x" };
  expect(cleanFields(fields)).toEqual({ fields, replaced: [], cut: [] });
  expect(cleanFields(fields).fields).toBe(fields);
});

test("fields that were replaced or cut are named", () => {
  const fields = {
    ok: "fine",
    nul: "a\0",
    half: "\uD83D",
    ["name\0"]: "b",
    long: "é".repeat(8193),
    both: `\0${"x".repeat(20_000)}`,
  };
  const clean = cleanFields(fields);
  expect(clean.replaced).toEqual(["nul", "half", "name\uFFFD", "both"]);
  expect(clean.cut).toEqual(["long", "both"]);
  expect(clean.fields).toEqual({
    ok: "fine",
    nul: "a\uFFFD",
    half: "\uFFFD",
    "name\uFFFD": "b",
    long: "é".repeat(8192),
    both: `\uFFFD${"x".repeat(FIELD_BYTES_MAX - 3)}`,
  });
});

test("a name that is too long is cut like a value", () => {
  const clean = cleanFields({ ["n".repeat(20_000)]: "x" });
  expect(clean.fields).toEqual({ ["n".repeat(FIELD_BYTES_MAX)]: "x" });
  expect(clean.cut).toEqual(["n".repeat(FIELD_BYTES_MAX)]);
});

test("a field named __proto__ stays a field when others are replaced", () => {
  const clean = cleanFields(fieldsOf(["__proto__", "x", "nul", "\0"]));
  expect(Object.entries(clean.fields)).toEqual([
    ["__proto__", "x"],
    ["nul", "\uFFFD"],
  ]);
});

test("whatever the fields, the result can be stored, and cleaning it again changes nothing", () => {
  fc.assert(
    fc.property(anyFields, (fields) => {
      const clean = cleanFields(fields);
      for (const text of Object.entries(clean.fields).flat()) {
        expect(text.isWellFormed() && !text.includes("\0")).toBe(true);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(FIELD_BYTES_MAX);
      }
      expect(cleanFields(clean.fields)).toEqual({ fields: clean.fields, replaced: [], cut: [] });
    }),
  );
});

test("JSON for a terminal has no control character, and is read as it was", () => {
  const value = { "a\u009B1m": ["\u001B[2J\n", "\u2028", "\u{E0001}", "приём 😀"] };
  const text = printableJson(value);
  expect(text).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/u);
  expect(text).toContain("приём 😀");
  expect(JSON.parse(text)).toEqual(value);
  const line = printableJsonLine(value);
  expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(line)).toEqual(value);
});
