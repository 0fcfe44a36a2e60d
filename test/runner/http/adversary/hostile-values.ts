import * as fc from "fast-check";
import { almost } from "../scanner/mutate.ts";
import { oddText, oddValue } from "../scanner/values.ts";

/** Alerts and stream entries that no honest sender sends. */

const nearAlert: fc.Arbitrary<unknown> = almost(
  fc.constant({
    message: "EMA_CROSS_LONG",
    symbol: "BTCUSDT",
    time: "2026-01-05T10:00:00Z",
    sent_at: 1_767_607_200,
    uid: "an-alert",
    note: { deep: [1, "two", null] },
  }),
);

const RAW_BODIES = [
  '{"message":"a","message":"b","symbol":"X","time":1}',
  `{"message":"a","symbol":"X","time":${"9".repeat(400)}}`,
  '{"message":"a","symbol":"X","time":1e400,"n":-0.0000000000000000000000000001e-300}',
  `{"message":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
  `{"a":`.repeat(30_000),
  `{${Array.from({ length: 3_000 }, (_, at) => `"k${at}":${at}`).join(",")}}`,
  '{"message":"\\ud800\\udfff\\u0000","symbol":"\\u202eTDSU","time":"٢٠٢٦"}',
  '{"__proto__":{"secret":"x"},"constructor":1,"message":"a"}',
  `{"message":"${"𝕏".repeat(40_000)}"}`,
  "\ufeff\ufeff{}",
  "message=EMA_CROSS_LONG&symbol=BTCUSDT",
  "EMA_CROSS_LONG BTCUSDT",
  "message=\nsymbol=\u0000\n__proto__=1\nconstructor=2",
  '{"signal":"SIGNAL_1_LONG","symbol":"BTCUSDT","time":1767607200,"timenow":"x","order_id":1,"market_position":"long","prev_market_position":"flat","map":{"__proto__":"x"}}',
  `[${Array.from({ length: 200 }, () => '{"message":"a"}').join(",")}]`,
  '[{"message":"EMA_CROSS_LONG","symbol":"BTCUSDT","time":1767607200},[]]',
  "",
];

/** Bodies of alerts, as bytes: JSON of every kind, and what only looks like it. */
export const alertBodies: fc.Arbitrary<Uint8Array> = fc.oneof(
  nearAlert.map((value) => Buffer.from(JSON.stringify(value) ?? "")),
  oddValue.map((value) => Buffer.from(JSON.stringify(value) ?? "")),
  fc.constantFrom(...RAW_BODIES).map((text) => Buffer.from(text)),
  // Other encodings than UTF-8.
  nearAlert.map((value) => Buffer.from(JSON.stringify(value) ?? "", "utf16le")),
  fc.constantFrom(...RAW_BODIES).map((text) => Buffer.from(text, "latin1")),
  fc.uint8Array({ maxLength: 500 }),
);

/** Names and values of an entry for `signals_stream`, in turn, at least one pair. */
export const streamEntries: fc.Arbitrary<readonly (string | Buffer)[]> = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom("message", "symbol", "bar_time", "time", "sent_at", "uid", "source", "received_at"),
        oddText,
      ),
      fc.oneof(
        oddText,
        fc.constantFrom("EMA_CROSS_LONG", "BTCUSDT", "2026-01-05T10:00:00Z"),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((pairs) => pairs.flat());

/** Samples without end, the same for the same seed. */
export function* samples<T>(arbitrary: fc.Arbitrary<T>, seed: number): Generator<T, never> {
  for (let batch = 0; ; batch += 1) yield* fc.sample(arbitrary, { seed: seed + batch, numRuns: 100 });
}
