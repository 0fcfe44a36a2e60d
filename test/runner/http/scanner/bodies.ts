import * as fc from "fast-check";
import type { Schema } from "./description.ts";
import { almost } from "./mutate.ts";
import type { Header } from "./shot.ts";
import { oddValue, valuesOf, type Vocabulary } from "./values.ts";

/** Bodies that fit the schema, that almost do, and that do not; undefined: no body. */
export function bodiesFor(
  schema: Schema,
  options: Vocabulary & { readonly bodyBytesMax: number },
): fc.Arbitrary<Uint8Array | undefined> {
  const valid = valuesOf(schema, options);
  return fc.oneof(
    { weight: 5, arbitrary: valid.map(jsonBytes) },
    { weight: 4, arbitrary: almost(valid).map(jsonBytes) },
    { weight: 2, arbitrary: oddBodies(options) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

const ODD_TEXTS = [
  "",
  "{",
  "{}}",
  "[1,]",
  "{'a':1}",
  "NaN",
  "1e999",
  '"\\ud800"',
  '{"a":1,"a":2}',
  "\ufeff{}",
  '{"__proto__":{"strategy":1},"constructor":{"prototype":{}}}',
  '{"strategy":1e400,"by":"\\u0000","limit":123456789012345678901234567890}',
  "[".repeat(5_000),
  `${"[".repeat(3_000)}${"]".repeat(3_000)}`,
  '{"a":'.repeat(2_000),
];

/** Unexpected bodies, some of them too large. */
export function oddBodies({ bodyBytesMax }: { readonly bodyBytesMax: number }): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    oddValue.map(jsonBytes),
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(...ODD_TEXTS).map(bytesOf),
    fc.constant(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    fc
      .constantFrom(bodyBytesMax, bodyBytesMax + 1, bodyBytesMax * 4)
      .map((length) => new Uint8Array(length).fill(0x20)),
  );
}

/** Mostly the right content type. */
export const contentTypes: fc.Arbitrary<readonly Header[]> = fc
  .oneof(
    { weight: 12, arbitrary: fc.constant("application/json") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        undefined,
        "text/plain; charset=utf-8",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        ";;;",
      ),
    },
  )
  .map((type) => (type === undefined ? [] : [["content-type", type]]));

/** As JSON; empty for a value that has none. */
function jsonBytes(value: unknown): Uint8Array {
  return bytesOf(JSON.stringify(value) ?? "");
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
