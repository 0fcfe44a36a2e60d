import * as fc from "fast-check";
import type {
  DocumentSignal,
  DocumentStrategy,
  DocumentTicker,
  ReferenceDocument,
} from "../../../shared/reference-document/document.ts";

/** Documents with names of every kind, also those that YAML takes for something else. */

const NASTY = [
  ..."000001 0700 1e3 no on y N ~ null Null 2026-11-30 0x10 .inf 12:30:00 1_000 0b1 0o7 +1 -1 1.5 . <<".split(
    " ",
  ),
  ..."= - ? : & * ! | > % @ ` # a:b true FALSE all __proto__ constructor {{ticker}} [x] BTCUSDT".split(" "),
  "a: b",
  "a #b",
  " a",
  "a ",
  "- a",
  "? a",
  "a\nb",
  "a\r\n\tb",
  '"',
  "'",
  "\\",
  "a\u2028b",
  "\uFEFFa",
  "\u0085",
  "\u007F",
  "--- a",
  "...",
  "é",
  "e\u0301",
  "Пробой вверх",
  "突破",
  "😀",
  "\u{E0001}",
  "\u{10FFFF}",
  "\uE000",
  "a,b",
  "[",
  "}",
  "x".repeat(1_100),
];

const wellFormed = fc
  .string({ unit: "binary", maxLength: 12 })
  .map((text) => text.replaceAll("\0", "").toWellFormed());
const text = fc.oneof(fc.constantFrom(...NASTY), wellFormed);
const name = text.filter((one) => one.trim() !== "" && one.length < 1_000);
const symbol = name.filter((one) => /\S/.test(one.trim().replace(/\.P$/i, "")));

const optionalText = fc.option(text, { nil: null });
const numbers = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
);
const { value: anyParam } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    numbers.map((n) => n + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

const tickersOf = (symbols: readonly string[]): fc.Arbitrary<DocumentTicker[]> =>
  all(
    symbols.map((one) =>
      fc.record({
        symbol: fc.constant(one),
        status: fc.constantFrom("enabled" as const, "disabled" as const),
        trade_permission: fc.constantFrom("enabled" as const, "disabled" as const),
      }),
    ),
  );

const signalsOf = (names: readonly string[]): fc.Arbitrary<DocumentSignal[]> =>
  all(
    names.map((one) =>
      fc.record({
        name: fc.constant(one),
        long_phrase: optionalText,
        short_phrase: optionalText,
        source: optionalText,
        enabled: fc.boolean(),
      }),
    ),
  );

const strategiesOf = (names: readonly string[], signals: readonly string[], symbols: readonly string[]) =>
  all(
    names.map((one): fc.Arbitrary<DocumentStrategy> =>
      fc.record({
        name: fc.constant(one),
        signals: fc.subarray([...signals]),
        tickers: fc.oneof(fc.constant("all" as const), fc.subarray([...symbols])),
        handler: fc.oneof(fc.constantFrom("log", "webhook"), name),
        params: fc.dictionary(text, anyParam, { maxKeys: 3, noNullPrototype: true }),
        enabled: fc.boolean(),
        archived: fc.boolean(),
        allow_open: fc.boolean(),
        reverse: fc.boolean(),
        signal_age_ms_max: fc.option(fc.nat(), { nil: null }),
        shadow: fc.boolean(),
      }),
    ),
  );

function all<T>(of: readonly fc.Arbitrary<T>[]): fc.Arbitrary<T[]> {
  return of.length === 0 ? fc.constant([]) : fc.tuple(...of).map((rows) => rows);
}

/** Gives some rows the name they had before: one that no row has. */
function renaming<Row extends object>(
  rows: readonly Row[],
  isRenamed: readonly boolean[],
  prefix: string,
): Row[] {
  return rows.map((row, at) => (isRenamed[at] === true ? { ...row, was: `${prefix}${at}` } : row));
}

const names = fc.uniqueArray(name, { maxLength: 4, selector: (one) => one.trim().normalize("NFC") });
const symbols = fc.uniqueArray(symbol, {
  maxLength: 4,
  selector: (one) => one.trim().toUpperCase().replace(/\.P$/, ""),
});

/** At least one row, and none with an old name. */
export const documentWithoutRenames: fc.Arbitrary<ReferenceDocument> = fc
  .tuple(symbols, names, names)
  .filter(([a, b, c]) => a.length + b.length + c.length > 0)
  .chain(([tickers, signals, strategies]) =>
    fc.record({
      tickers: tickersOf(tickers),
      signals: signalsOf(signals),
      strategies: strategiesOf(strategies, signals, tickers),
    }),
  );

/** At least one row. */
export const anyDocument: fc.Arbitrary<ReferenceDocument> = fc
  .tuple(documentWithoutRenames, fc.array(fc.boolean(), { minLength: 4 }))
  .map(([lists, isRenamed]) => ({
    tickers: renaming(lists.tickers, isRenamed, "was ticker "),
    signals: renaming(lists.signals, isRenamed, "was signal "),
    strategies: renaming(lists.strategies, isRenamed, "was strategy "),
  }));
