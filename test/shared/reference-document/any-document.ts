import * as fc from "fast-check";
import type {
  DocumentAlias,
  DocumentSignal,
  DocumentSource,
  DocumentStrategy,
  DocumentTicker,
  ReferenceDocument,
} from "../../../shared/reference-document/document.ts";
import { shortOf, spellingOf } from "../../../shared/reference-document/ticker-symbols.ts";
import { foldPhrase } from "../../../shared/signal/signal.ts";

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

const mapped = text.filter((one) => one.trim() !== "" && one.length < 100 && !one.includes("{{"));
const mapOf = fc
  .uniqueArray(fc.tuple(mapped, mapped), { minLength: 1, maxLength: 2, selector: ([key]) => foldPhrase(key) })
  .map((entries): Record<string, string> =>
    Object.fromEntries(entries.filter(([key]) => key !== "__proto__")),
  )
  .filter((map) => Object.keys(map).length > 0);
const exchanges = fc.uniqueArray(
  name.filter((one) => !/[:*]/.test(one)),
  { minLength: 1, maxLength: 2, selector: (one) => one.trim().toUpperCase() },
);

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
        exchanges: fc.oneof(fc.constantFrom(null, "*" as const), exchanges),
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
        exit_phrase: optionalText,
        long_exit_phrase: optionalText,
        short_exit_phrase: optionalText,
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
        exits: fc.boolean(),
        exit_age_ms_max: fc.option(fc.nat(), { nil: null }),
        shadow: fc.boolean(),
      }),
    ),
  );

/** Of these tickers, under names that no ticker has. */
const aliasesOf = (aliases: readonly string[], tickers: readonly string[]): fc.Arbitrary<DocumentAlias[]> =>
  tickers.length === 0
    ? fc.constant([])
    : all(
        aliases
          .filter((alias) => tickers.every((one) => shortOf(one) !== shortOf(alias)))
          .map((alias) => fc.record({ alias: fc.constant(alias), symbol: fc.constantFrom(...tickers) })),
      );

const from = fc.constantFrom("{{a}}", "{{a}} x", "{{order_id}}{{a}}");
const rule = fc.oneof(
  from,
  fc.record({ from, map: mapOf, default: mapped }, { requiredKeys: ["from", "map"] }),
);
const template: fc.Arbitrary<DocumentSource["template"]> = fc
  .tuple(
    fc.dictionary(fc.constantFrom("qty", "stop", "my field"), from, { noNullPrototype: true }),
    rule,
    from,
  )
  .map(([extra, message, symbolFrom]) => ({ ...extra, message, symbol: symbolFrom, time: "{{time}}" }));

const sources: fc.Arbitrary<DocumentSource[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("a", "0", "on", "my-screener"),
    enabled: fc.boolean(),
    format: fc.constantFrom("json" as const, "form" as const),
    template,
    uid: fc.option(from, { nil: null }),
  }),
  { selector: ({ name: one }) => one, maxLength: 2 },
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
/** Also `X` beside `X.P`. */
const symbols = fc
  .tuple(fc.uniqueArray(symbol, { maxLength: 3, selector: shortOf }), fc.boolean())
  .map(([some, both]) => (both ? [...some, ...some.slice(0, 1).map(otherOf)] : some));
const otherOf = (one: string): string =>
  spellingOf(one) === shortOf(one) ? `${shortOf(one)}.P` : shortOf(one);

/** At least one row, and none with an old name. */
export const documentWithoutRenames: fc.Arbitrary<ReferenceDocument> = fc
  .tuple(symbols, names, names, symbols)
  .filter(([a, b, c]) => a.length + b.length + c.length > 0)
  .chain(([tickers, signals, strategies, aliases]) =>
    fc.record(
      {
        tickers: tickersOf(tickers),
        signals: signalsOf(signals),
        strategies: strategiesOf(strategies, signals, tickers),
        aliases: aliasesOf(aliases, tickers),
        sources,
      },
      { requiredKeys: ["tickers", "signals", "strategies"] },
    ),
  );

/** At least one row. */
export const anyDocument: fc.Arbitrary<ReferenceDocument> = fc
  .tuple(documentWithoutRenames, fc.array(fc.boolean(), { minLength: 4 }))
  .map(([lists, isRenamed]) => ({
    tickers: renaming(lists.tickers, isRenamed, "was ticker "),
    signals: renaming(lists.signals, isRenamed, "was signal "),
    strategies: renaming(lists.strategies, isRenamed, "was strategy "),
    ...(lists.aliases === undefined ? {} : { aliases: renaming(lists.aliases, isRenamed, "was alias ") }),
    ...(lists.sources === undefined ? {} : { sources: renaming(lists.sources, isRenamed, "was-source-") }),
  }));
