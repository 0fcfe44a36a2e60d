import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { documentJsonSchema } from "../../../shared/reference-document/json-schema.ts";
import { documentFromJson, parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { anyDocument } from "./any-document.ts";

/** Documents written and read again. */

const FORMATS = ["yaml", "json"] as const;

test("what is written is read as it was, whatever the names", () => {
  fc.assert(
    fc.property(anyDocument, fc.constantFrom(...FORMATS), (document, format) => {
      const text = formatDocument(document, format);
      expect(parseDocument(text)).toEqual({ ok: true, document });
      if (format === "json") expect(documentFromJson(JSON.parse(text))).toEqual({ ok: true, document });
    }),
    { numRuns: 150 },
  );
});

test("the JSON Schema accepts what is written", () => {
  const validate = new Ajv2020({ strict: false }).compile(documentJsonSchema());
  fc.assert(
    fc.property(anyDocument, (document) => {
      for (const value of [document, JSON.parse(formatDocument(document, "json"))]) {
        validate(value);
        expect(validate.errors).toBeNull();
      }
    }),
  );
  validate({ strategies: [{ name: "a", enabeld: true }] });
  expect(validate.errors).not.toBeNull();
});

/** Pieces that change what YAML means. */
const PIECES: readonly string[] = [
  "\n",
  " ",
  "\t",
  ":",
  "-",
  "[",
  "]",
  "{",
  "}",
  ",",
  "#",
  "&",
  "*",
  "!",
  "|",
  ">",
  "'",
  '"',
  "%",
  "@",
  "`",
  "~",
  "?",
  "<",
  "=",
  "0",
  "\n  - ",
  ": ",
  "&a ",
  "*a",
  "<<: *a\n",
  "---\n",
  "no",
  "null",
  "\r",
  "\0",
  "\uD800",
];

test("a mutated text is refused, or read as a document that is written and read as the same", () => {
  const mutation = fc.record({
    at: fc.nat({ max: 100_000 }),
    removed: fc.nat({ max: 4 }),
    piece: fc.oneof(fc.constantFrom("", ...PIECES), fc.string({ unit: "binary", maxLength: 3 })),
  });
  let readCount = 0;
  fc.assert(
    fc.property(
      anyDocument,
      fc.constantFrom(...FORMATS),
      fc.array(mutation, { minLength: 1, maxLength: 2 }),
      (document, format, mutations) => {
        let text = formatDocument(document, format);
        for (const { at, removed, piece } of mutations) {
          const from = at % text.length;
          text = text.slice(0, from) + piece + text.slice(from + removed);
        }
        const read = parseDocument(text);
        if (read.ok) {
          readCount += 1;
          for (const again of FORMATS)
            expect(parseDocument(formatDocument(read.document, again))).toEqual(read);
        } else {
          expect(read.faults.length).toBeGreaterThan(0);
          const lines = text.split(/\r\n|\r|\n/).length;
          for (const { line = 0, column = 0 } of read.faults) {
            expect(line).toBeGreaterThanOrEqual(1);
            expect(line).toBeLessThanOrEqual(lines + 1);
            expect(column).toBeGreaterThanOrEqual(1);
          }
        }
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
  expect(readCount).toBeGreaterThan(10);
});

const LAUGHS = `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]\n`).join("")}`;
const bomb = `strategies:\n  - name: a\n    params:\n${LAUGHS.replaceAll(/^/gm, "      ").trimEnd()}`;

test.each([
  ["aliases of aliases", bomb],
  ["an alias of itself", "strategies: [{ name: a, params: &a { b: *a, c: *a } }]"],
  ["many lists in lists", `strategies: [{ name: a, params: { b: ${"[".repeat(100_000)}`],
  ["many lists in lists, in blocks", `tickers:\n  ${"- ".repeat(100_000)}`],
  ["maps in maps", "{a: ".repeat(50_000)],
  ["keys in keys", "? ".repeat(50_000)],
  ["deep indentation", Array.from({ length: 600 }, (_, n) => `${" ".repeat(n)}a:`).join("\n")],
  ["a file that is too large", `# ${"x".repeat(600_000)}`],
])("%s end in a fault", (_, text) => {
  const read = parseDocument(text);
  expect(read).toMatchObject({
    ok: false,
    faults: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringMatching(/more than|nested|bytes/) }),
    ]),
  });
});

test("JSON that is nested too deeply ends in a fault", () => {
  const value: unknown = JSON.parse(`{"strategies":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
  expect(documentFromJson(value)).toMatchObject({ ok: false });
});
