import { expect, test } from "vitest";
import * as z from "zod";
import { markedParams } from "../../shared/marked-params.ts";
import { address, paramUses, secretName } from "../../shared/strategy.ts";

const S = secretName();
const URL_A = "https://a.test/";
const upper = z.string().transform((text) => text.toUpperCase());
const tree: z.ZodType = z.object({ key: S, next: z.lazy(() => tree).optional() });

test.each<[string, z.ZodType, unknown, string[]]>([
  [
    "an object",
    z.object({ key: S, at: address() }),
    { key: "A", at: URL_A },
    ["secret A", `address ${URL_A}`],
  ],
  ["a nested object", z.object({ a: z.strictObject({ b: S }) }), { a: { b: "A" } }, ["secret A"]],
  ["an array", z.array(S), ["A", "B"], ["secret A", "secret B"]],
  ["a tuple with a rest", z.tuple([z.string(), S], S), ["x", "A", "B"], ["secret A", "secret B"]],
  ["a record", z.record(z.string(), address()), { x: URL_A }, [`address ${URL_A}`]],
  ["the keys of a record", z.record(S, z.number()), { A: 1 }, ["secret A"]],
  ["a catchall", z.object({}).catchall(S), { x: "A" }, ["secret A"]],
  ["an absent optional", z.object({ key: S.optional() }), {}, []],
  [
    "an absent optional object with a default in it",
    z.object({ a: S.default("A") }).optional(),
    undefined,
    [],
  ],
  ["a present optional", z.object({ key: S.optional() }), { key: "A" }, ["secret A"]],
  ["null", S.nullable(), null, []],
  ["a default", z.object({ key: S.default("A") }), {}, ["secret A"]],
  ["a default that is overridden", z.object({ key: S.default("A") }), { key: "B" }, ["secret B"]],
  ["an optional default", z.object({ key: S.default("A").optional() }), {}, ["secret A"]],
  ["a prefault", z.object({ key: S.prefault("A") }), {}, ["secret A"]],
  ["a catch", S.catch("A"), 7, ["secret A"]],
  ["readonly", S.readonly(), "A", ["secret A"]],
  ["nonoptional", z.nonoptional(S.optional()), "A", ["secret A"]],
  [
    "the option of a union that fits",
    z.union([z.object({ a: S }), z.object({ b: S })]),
    { b: "B" },
    ["secret B"],
  ],
  [
    "a discriminated union",
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("key"), name: S }),
      z.object({ kind: z.literal("none"), name: z.string() }),
    ]),
    { kind: "none", name: "A" },
    [],
  ],
  [
    "an intersection",
    z.intersection(z.object({ a: S }), z.object({ a: S, b: S })),
    { a: "A", b: "B" },
    ["secret A", "secret B"],
  ],
  ["a recursive schema", tree, { key: "A", next: { key: "B" } }, ["secret A", "secret B"]],
  ["what a transform makes", upper.pipe(S), "a", ["secret A"]],
  ["what a preprocess makes", z.preprocess((value) => `${String(value)}_KEY`, S), "A", ["secret A_KEY"]],
  ["what is transformed afterwards", S.transform((name) => ({ name })), "A", ["secret A"]],
  [
    "a schema with further checks",
    S.min(1)
      .refine(() => true)
      .describe("a key"),
    "A",
    ["secret A"],
  ],
  ["a schema of one's own", z.enum(["A", "B"]).register(paramUses, { use: "secret" }), "A", ["secret A"]],
  ["nothing that is not marked", z.object({ a: z.string(), b: z.unknown() }), { a: "A", b: { c: "C" } }, []],
])("finds %s", (_what, schema, params, expected) => {
  expect(schema.safeParse(params).success).toBe(true);
  expect(markedParams(schema, params).map(({ use, value }) => `${use} ${value}`)).toEqual(expected);
});

test("a schema that throws ends the search, and nothing else", () => {
  const broken = z.object({
    key: S,
    other: z.lazy((): z.ZodType => {
      throw new Error("broken");
    }),
  });
  expect(markedParams(broken, { key: "A", other: 1 })).toEqual([{ use: "secret", value: "A" }]);
});
