import * as fc from "fast-check";
import type { Schema } from "./description.ts";

/** Values for requests: those that a schema allows, and odd ones. */

export interface Vocabulary {
  /** The schemas that `$ref` refers to. */
  readonly definitions: Readonly<Record<string, Schema>>;
  /** Texts that mean something to the router under test: ids, symbols, names. */
  readonly known: readonly string[];
}

const DEPTH_MAX = 6;

/** Texts that often cause errors. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udc00x",
    "\u202e",
    "\ufeff",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "'; DROP TABLE signals; --",
    "%00",
    "%",
    "../../etc/passwd",
    "{}",
    "null",
    "-1",
    "1e400",
    "0x10",
    "99999999999999999999999999",
    "1700000000000-0",
    "18446744073709551615-18446744073709551615",
    "18446744073709551616-0",
    "2026-02-30T25:61:61Z",
    "+275760-09-13T00:00:00Z",
    "\r\nx-injected: 1",
    "\n*\n$1",
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.integer({ min: 100, max: 20_000 }).map((length) => "x".repeat(length)),
);

/** Values that are rarely expected. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom(null, true, false, 0, -0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 1e308, 5e-324),
  fc.constantFrom(
    [],
    {},
    [[]],
    [null],
    { "": "" },
    Array.from({ length: 2_000 }, () => 0),
  ),
  fc.constant(nested(200)),
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(oddText, fc.string({ maxLength: 5 }), { maxKeys: 4 }),
);

/** Values that the schema allows, as far as the scanner understands it. */
export function valuesOf(schema: Schema, words: Vocabulary, depth = 0): fc.Arbitrary<unknown> {
  const again = (inner: unknown): fc.Arbitrary<unknown> =>
    valuesOf((inner ?? {}) as Schema, words, depth + 1);
  if (depth > DEPTH_MAX) return fc.constant(null);
  if (typeof schema["$ref"] === "string") {
    return again(words.definitions[schema["$ref"].split("/").at(-1) ?? ""]);
  }
  if ("const" in schema) return fc.constant(schema["const"]);
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"]);
  const alternatives = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(alternatives)) return fc.oneof(...alternatives.map(again));
  if (Array.isArray(schema["allOf"])) {
    return fc.tuple(...schema["allOf"].map(again)).map((parts) => Object.assign({}, ...parts));
  }
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => again({ ...schema, type: one })));
  switch (type) {
    case "string":
      return texts(schema, words);
    case "integer":
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(again(schema["items"]), {
        minLength: Number(schema["minItems"] ?? 0),
        maxLength: Math.min(Number(schema["maxItems"] ?? 4), Number(schema["minItems"] ?? 0) + 4),
      });
    case "object":
      return objects(schema, again);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function texts(schema: Schema, { known }: Vocabulary): fc.Arbitrary<string> {
  const minLength = Number(schema["minLength"] ?? 0);
  const maxLength = Math.min(Number(schema["maxLength"] ?? 40), minLength + 40);
  const choices: fc.Arbitrary<string>[] = [fc.string({ minLength, maxLength })];
  if (known.length > 0) choices.push(fc.constantFrom(...known));
  if (schema["format"] === "date-time") {
    const range = { min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true };
    choices.push(fc.date(range).map((date) => date.toISOString()));
  }
  if (typeof schema["pattern"] === "string") choices.push(fc.stringMatching(new RegExp(schema["pattern"])));
  if (typeof schema["example"] === "string") choices.push(fc.constant(schema["example"]));
  return fc.oneof(...choices);
}

function numbers(schema: Schema): fc.Arbitrary<number> {
  const exclusive = Number(schema["exclusiveMinimum"] ?? Number.NaN);
  const min = Number.isNaN(exclusive) ? Number(schema["minimum"] ?? -1_000) : exclusive + 1;
  const max = Number(schema["maximum"] ?? Math.max(min, 0) + 1_000);
  return fc.oneof(
    fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) }),
    fc.constantFrom(min, max),
  );
}

function objects(schema: Schema, again: (inner: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, unknown>>;
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const named = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, again(inner)])),
    { requiredKeys: required.filter((name) => name in properties) },
  );
  const rest = schema["additionalProperties"];
  if (rest === undefined || rest === false) return named;
  const free = fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), again(rest === true ? {} : rest), {
    maxKeys: 3,
  });
  return fc.tuple(named, free).map(([expected, more]) => ({ ...more, ...expected }));
}

/** An array in an array in an array. */
function nested(depth: number): unknown {
  let value: unknown = "";
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
