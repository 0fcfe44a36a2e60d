import * as fc from "fast-check";
import { fieldsOf, type Entry, type Fields } from "../shared/entry.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import { NOW, signalRow, strategyRow, tickerRow, type Paused } from "./builders.ts";

/** Random references and matching signals that produce every reason, and random fields of any content. */

const SYMBOLS = ["BTCUSDT", "ETHUSDT", "XRPUSDT", "DOGEUSDT"];
const LONG_PHRASES = ["EMA_LONG", "Пробой вверх"];
const SHORT_PHRASES = ["EMA_SHORT", "RSI_SHORT"];
const EXIT_PHRASES = ["EMA_EXIT", "Выход"];
const PHRASES = [...LONG_PHRASES, ...SHORT_PHRASES, ...EXIT_PHRASES];
const IDS = [1, 2, 3, 4, 5];

/** The same text in other case and with spaces around it. */
export const respelt = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom("", " ", "\t", "\u00A0\n"),
      fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }),
      fc.constantFrom("", "  ", "\r\n"),
    )
    .map(([before, upper, after]) => {
      const letters = text
        .split("")
        .map((letter, i) => (upper[i] === true ? letter.toUpperCase() : letter.toLowerCase()));
      return before + letters.join("") + after;
    });

/** A symbol in another spelling, with or without `.P`. */
export const respeltSymbol = (symbol: string): fc.Arbitrary<string> =>
  fc.constantFrom("", ".P").chain((suffix) => respelt(symbol + suffix));

/** All forms in which a time may be written; each stands for the same millisecond. */
export const writtenTime = (ms: number): fc.Arbitrary<string> => {
  const iso = (at: number): string => new Date(at).toISOString().slice(0, -1);
  const decimals = String(ms % 1000).padStart(3, "0");
  const forms = [
    `${iso(ms)}Z`,
    iso(ms),
    iso(ms).replace("T", " "),
    `${iso(ms)}Z`.toLowerCase(),
    iso(ms).replace(".", ","),
    `${iso(ms)}000`,
    `${iso(ms)}456+00:00`,
    `${iso(ms)}456999Z`,
    `${iso(ms + 2 * 3_600_000)}+02`,
    `${iso(ms + 5.5 * 3_600_000)}+05:30`,
    `${iso(ms + 3 * 3_600_000)}+03:00Z`,
    `${iso(ms - 8 * 3_600_000)}999-0800`,
    `${iso(ms).replace("T", " ")} +00:00`,
    String(ms),
    `${Math.floor(ms / 1000)}.${decimals}`,
    `${Math.floor(ms / 1000)}.${decimals}999999`,
    ...(ms % 1000 === 0 ? [String(ms / 1000), iso(ms).slice(0, 19), `${iso(ms).slice(0, 19)}+0000`] : []),
    ...(ms % 60_000 === 0 ? [iso(ms).slice(0, 16), `${iso(ms).slice(0, 16)}Z`] : []),
    ...(ms % 86_400_000 === 0 ? [iso(ms).slice(0, 10)] : []),
  ];
  return fc.constantFrom(...forms);
};

const mixed =
  (weight: number) =>
  <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
    fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: other });
const mostly = mixed(20);
const often = mixed(6);

const usually = (value: boolean): fc.Arbitrary<boolean> => often(fc.constant(value), fc.constant(!value));
const switchState = mixed(15)(fc.constant("enabled" as const), fc.constant("disabled" as const));

const ticker = (symbol: string) =>
  fc
    .record({ status: switchState, trade_permission: switchState })
    .map((changes) => tickerRow(symbol, changes));

/** Most symbols in a random spelling, and some of them in the plain spelling as well. */
const tickers = fc
  .tuple(
    fc.subarray(SYMBOLS, { minLength: 3 }).chain((symbols) => fc.tuple(...symbols.map(respeltSymbol))),
    fc.subarray(SYMBOLS, { maxLength: 2 }),
  )
  // A perpetual beside its symbol is a ticker of its own, see wider-references.ts.
  .map(([spelt, plain]) => [
    ...spelt,
    ...plain.filter((symbol) => !spelt.some((one) => isPerpetual(one, symbol))),
  ])
  .chain((symbols) => fc.tuple(...[...new Set(symbols)].map(ticker)));

const isPerpetual = (text: string, symbol: string): boolean => text.trim().toUpperCase() === `${symbol}.P`;

const phraseCell = (phrases: readonly string[]): fc.Arbitrary<string | null> =>
  often(
    fc.constantFrom(...phrases).chain(respelt),
    mixed(2)(fc.constantFrom(null, "", "  "), fc.constantFrom(...PHRASES)),
  );

/** Phrases of exits: few, of which some open or close another side as well. */
const exitCell: fc.Arbitrary<string | null> = mixed(2)(
  fc.constant(null),
  often(fc.constantFrom(...EXIT_PHRASES).chain(respelt), fc.constantFrom("", ...PHRASES)),
);

const signal = (id: number) =>
  fc
    .record({
      long_phrase: phraseCell(LONG_PHRASES),
      short_phrase: phraseCell(SHORT_PHRASES),
      exit_phrase: exitCell,
      long_exit_phrase: exitCell,
      short_exit_phrase: exitCell,
      enabled: usually(true),
    })
    .map((changes) => signalRow(id, changes));

const strategy = (id: number) =>
  fc
    .record({
      enabled: usually(true),
      archived: usually(false),
      allow_open: usually(true),
      reverse: usually(false),
      use_all_tickers: fc.boolean(),
      signal_age_ms_max: often(fc.constant(null), fc.constantFrom(0, 1000, 60_000, 600_000)),
      shadow: usually(false),
      exits: fc.boolean(),
      exit_age_ms_max: often(fc.constant(null), fc.constantFrom(0, 1000, 60_000, 600_000)),
    })
    .map((changes) => strategyRow(id, changes));

const someId = fc.constantFrom(...IDS);

/** A small reference with few names, so that rows share phrases, symbols and strategies. */
export const anyRows: fc.Arbitrary<ReferenceRows> = fc.record({
  tickers,
  signals: fc.subarray(IDS, { minLength: 3 }).chain((ids) => fc.tuple(...ids.map(signal))),
  strategies: fc.subarray(IDS, { minLength: 1 }).chain((ids) => fc.tuple(...ids.map(strategy))),
  strategy_signals: fc.uniqueArray(fc.record({ strategy_id: someId, signal_id: someId }), {
    minLength: 6,
    maxLength: 25,
    selector: (row) => `${row.strategy_id} ${row.signal_id}`,
  }),
  strategy_tickers: fc.array(
    fc.record({ strategy_id: someId, symbol: fc.constantFrom(...SYMBOLS).chain(respeltSymbol) }),
    { maxLength: 8 },
  ),
  ticker_aliases: fc.constant([]),
  webhook_sources: fc.constant([]),
});

const AGES_MS = [0, 999, 1000, 1001, 60_000, 60_001, 300_000, 300_001, 1_000_000, -1000];
const age = often(fc.constantFrom(0, 500), fc.constantFrom(...AGES_MS));
const BROKEN_TIMES = ["", " ", "soon", "2025-02-29", "2025-13-01T00:00Z", "0099-01-01", "12:30", "20250115"];
const brokenTime = fc.constantFrom(...BROKEN_TIMES);

const absent = fc.constant(undefined);

/** Fields of a signal that {@link anyRows} may contain, sometimes malformed or incomplete. */
export const likelyFields: fc.Arbitrary<Fields> = fc
  .record({
    message: mostly(
      fc.constantFrom(...PHRASES).chain(respelt),
      fc.oneof(absent, fc.constantFrom("", " ", "EMA LONG", "EMA_LONG\0", "{{holder}}")),
    ),
    symbol: mostly(
      fc.constantFrom(...SYMBOLS).chain(respeltSymbol),
      fc.oneof(absent, fc.constantFrom("", ".P", "SOLUSDT", "BTCUSDT.P.P", "\uD83D")),
    ),
    bar_time: mostly(
      fc.integer({ min: 1, max: 100 }).chain((bars) => writtenTime(NOW - bars * 60_000)),
      fc.oneof(absent, brokenTime),
    ),
    time: mostly(absent, fc.oneof(writtenTime(NOW - 7_777), brokenTime)),
    sent_at: fc.oneof(
      { weight: 2, arbitrary: absent },
      { weight: 2, arbitrary: age.chain((ms) => writtenTime(NOW - ms)) },
      {
        weight: 1,
        arbitrary: fc.oneof(
          brokenTime,
          fc.constantFrom(5000, 5001).chain((ms) => writtenTime(NOW + ms)),
        ),
      },
    ),
    received_at: mostly(absent, fc.oneof(brokenTime, writtenTime(NOW))),
    source: mostly(absent, fc.constantFrom("", "tradingview", "{{holder}}")),
    uid: mostly(absent, fc.constantFrom("", "u1", " u1 ", "x".repeat(256), "x".repeat(257))),
    decision_time: mostly(absent, fc.constant("x")),
  })
  .map((fields) =>
    Object.fromEntries(
      Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
    ),
  );

/** The id of an entry that was added around {@link NOW}. */
export const recentId: fc.Arbitrary<string> = fc
  .tuple(age, fc.nat({ max: 3 }))
  .map(([ms, sequence]) => `${NOW - ms}-${sequence}`);

export const anyPaused: fc.Arbitrary<Paused> = fc
  .tuple(fc.nat({ max: 14 }), fc.subarray(IDS, { maxLength: 2 }))
  .map(([n, ids]) => new Set<number | "*">(n === 0 ? ["*", ...ids] : n < 4 ? ids : []));

/** An age limit in milliseconds; 0 is no limit. */
export const anyAgeMax: fc.Arbitrary<number> = fc.constantFrom(300_000, 300_000, 60_000, 0);

/** Any sequence of UTF-16 units, also incomplete surrogate pairs. */
const anyUnits = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })), {
    maxLength: 12,
  })
  .map((units) => String.fromCharCode(...units));

const hugeText = fc.constantFrom(
  "x".repeat(100_000),
  "😀".repeat(25_000),
  `x${"😀".repeat(25_000)}`,
  `xx${"é".repeat(50_000)}`,
  "\0".repeat(100_000),
  " ".repeat(100_000),
);

const anyText = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(anyUnits, fc.string({ unit: "binary" }), fc.string()) },
  {
    weight: 6,
    arbitrary: fc.constantFrom("", " ", "\0", "\uD83D", "\uDE00\uD83D", "__proto__", "{{holder}}", ".P"),
  },
  { weight: 1, arbitrary: hugeText },
);

const anyName = fc.oneof(
  fc.constantFrom("message", "symbol", "bar_time", "time", "sent_at", "received_at", "source", "uid"),
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", ""),
  anyText,
);

/** Any fields that a producer may send. */
export const anyFields: fc.Arbitrary<Fields> = fc.oneof(
  fc.array(fc.tuple(anyName, anyText), { maxLength: 8 }).map((pairs) => fieldsOf(pairs.flat())),
  fc
    .tuple(likelyFields, fc.array(fc.tuple(anyName, anyText), { maxLength: 3 }))
    .map(([likely, pairs]) => fieldsOf([...Object.entries(likely), ...pairs].flat())),
);

/** Any valid entry id. */
export const anyId: fc.Arbitrary<string> = fc.oneof(
  recentId,
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([ms, sequence]) => `${ms}-${sequence}`),
);

/** A batch: entries in the order of their stream, each id once. */
export const batchOf = (fields: fc.Arbitrary<Fields>): fc.Arbitrary<Entry[]> =>
  fc.uniqueArray(fc.record({ id: anyId, fields }), { selector: (entry) => entry.id, maxLength: 6 });
