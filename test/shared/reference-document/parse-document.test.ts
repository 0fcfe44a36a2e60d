import { describe, expect, test } from "vitest";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { documentFromJson, parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { plainValue } from "../../../shared/reference-document/plain-value.ts";
import { signal, strategy } from "./plan-fixture.ts";

/** What is read from a document, and how faults in it are named. */

/** Each fault as `line:column path: message`. */
function faultsOf(text: string): readonly string[] {
  const read = parseDocument(text);
  if (read.ok) return [];
  return read.faults.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

test("absent fields have their defaults, and absent lists are empty", () => {
  expect(parseDocument("signals: [{ name: EMA }]\nstrategies:\n  - name: Trend\n    signals: [EMA]")).toEqual(
    {
      ok: true,
      document: {
        tickers: [],
        signals: [signal("EMA", { long_phrase: null })],
        strategies: [strategy("Trend")],
      },
    },
  );
});

describe("what is not text without quotes is no name, symbol or phrase, and is told how to become one", () => {
  test.each(
    "000001 0700 1e3 no on y ~ null 2026-11-30 0x10 .inf 12:30:00 1_000 0b101 0o17 +1 1.2.3 True = 1. 5".split(
      " ",
    ),
  )("%s", (written) => {
    expect(faultsOf(`tickers:\n  - symbol: ${written}`)).toEqual([
      expect.stringMatching(/^2:13 tickers\[0\]\.symbol: found .*put it in quotes: "/),
    ]);
    expect(parseDocument(`tickers:\n  - symbol: "${written}"`)).toMatchObject({
      ok: true,
      document: { tickers: [{ symbol: written }] },
    });
    const inList = faultsOf(`strategies:\n- name: a\n  tickers: [X, ${written}]`);
    expect(inList).toEqual([expect.stringMatching(/^3:16 strategies\[0\]\.tickers\[1\]: /)]);
  });
});

test("the values of params are those that all readers of YAML agree on", () => {
  const params = (value: string) => parseDocument(`strategies: [{ name: a, params: { b: ${value} } }]`);
  for (const [value, read] of [
    ["1e3", 1000],
    ["-0.5", -0.5],
    ["true", true],
    ["~", null],
    ["5m", "5m"],
    ["9007199254740991", 9007199254740991],
  ] as const)
    expect(params(value)).toMatchObject({ ok: true, document: { strategies: [{ params: { b: read } }] } });
  for (const value of [
    "no",
    "0700",
    "0x10",
    "2026-11-30",
    "12:30:00",
    ".nan",
    "9007199254740993",
    "1e400",
    "0.12345678901234567891",
    "1.00000000000000000001",
  ])
    expect(params(value)).toMatchObject({ ok: false, faults: [{ path: "strategies[0].params.b" }] });
});

test("faults name all at once the line, the column, what was found and what to do", () => {
  const text = `
tickers:
  - symbol: BTCUSDT
    status: on
  - symbol: btcusdt
signals:
  - name: EMA cross
    enabeld: false
  - name: "EMA cross "
strategies:
  - name: Trend
    signals: [EMA cros, EMA cross, EMA cross]
    tickers: BTCUSDT
    signal_age_ms_max: -1
    params:
      account: 9007199254740993
      account: 1
      <<: { a: 1 }
      yes: 1
  - handler: log
    name: ~
    enabled: "true"
`;
  expect(faultsOf(text)).toEqual([
    "4:13 tickers[0].status: found on without quotes, which may be read as true or false; expected enabled or disabled",
    '5:13 tickers[1].symbol: "btcusdt" and "BTCUSDT" are the same, which is in tickers already (line 3): keep one of them',
    "8:5 signals[0].enabeld: enabeld is no field of a signal: did you mean enabled? There are name, long_phrase, short_phrase, exit_phrase, long_exit_phrase, short_exit_phrase, source, enabled, was",
    '9:11 signals[1].name: "EMA cross " and "EMA cross" are the same, which is in signals already (line 7): keep one of them',
    '12:15 strategies[0].signals[0]: there is no signal "EMA cros" in this document: did you mean "EMA cross"? Else add it under signals',
    '12:36 strategies[0].signals[2]: "EMA cross" is in this list already (line 12): keep one of them',
    '13:14 strategies[0].tickers: found "BTCUSDT"; expected all, or a list of symbols, such as [BTCUSDT]; [] for none',
    "14:24 strategies[0].signal_age_ms_max: found the number -1; expected milliseconds: a whole number from 0 to 2147483647, or null for no limit of its own",
    expect.stringMatching(/^16:16 strategies\[0\]\.params\.account: this number would not be kept .*2\^53/),
    "17:7 strategies[0].params.account: account is there twice: keep one of them",
    "18:7 strategies[0].params: a merge (<<) is not read: write the fields out",
    '19:7 strategies[0].params: the name yes is not text without quotes: put it in quotes: "yes"',
    '21:11 strategies[1].name: found ~, which means nothing; expected text. If it is text, put it in quotes: "~"',
    '22:14 strategies[1].enabled: found "true"; expected true or false, without quotes',
  ]);
});

test.each([
  ["", /1:1 : found nothing; expected the lists/],
  ["# only a comment", /found nothing/],
  ["{}", /there is no ticker, signal, strategy, alias or source.*removes nothing/],
  ["tickers: []\nsignals: []", /there is no ticker, signal, strategy/],
  ["tickers:\nsignals: [{ name: a }]", /1:1 tickers: tickers is empty; expected a list.*Write \[\]/],
  ["tickers: ~", /tickers is empty/],
  [
    "tickers: [{ symbol: A }]\n---\ntickers: [{ symbol: B }]",
    /2:1 : a second document begins here.*Delete the line/,
  ],
  ["tickers: [{ symbol: !!str 0700 }]", /a tag .* put text in quotes/],
  ["tickers: [{ symbol: A, was: A }, { symbol: B, was: A }]", /as an old name already/],
  ["tickers: [{ symbol: A }, { symbol: B, was: A }]", /A" is to be renamed, and is also in tickers/],
  ["tickers: [{ symbol: .P }]", /expected a symbol before the \.P/],
  ["tickers: [{ symbol: '' }]", /expected text that is not blank/],
  ['tickers: [{ symbol: "a\\0" }]', /NUL character/],
  ["tickers: [BTCUSDT]", /1:11 tickers\[0\]: found a single value; expected the fields of a ticker/],
  ["tickers: [{}]", /this ticker has no symbol: write one/],
  ["tickers:\n\t- symbol: A", /2:1 : this is not YAML: there is a tab/],
  ["strategies: [{ name: a, params: { b: !x 1 } }]", /a tag/],
  ["strategies: [{ name: a, params: *b }]", /no `&b` before it/],
])("%j is refused", (text, fault) => {
  expect(faultsOf(text).join("\n")).toMatch(fault);
});

test("a signal without a usable name is named beside the strategies that list another one", () => {
  expect(faultsOf("signals: [{ name: no }]\nstrategies: [{ name: a, signals: [b] }]")).toEqual([
    expect.stringContaining("signals[0].name: found no without quotes"),
    expect.stringContaining('there is no signal "b"'),
  ]);
});

test("two rows may swap their names", () => {
  expect(parseDocument("signals: [{ name: A, was: B }, { name: B, was: A }]")).toMatchObject({ ok: true });
});

test("an alias stands for the value that its anchor names", () => {
  const text = "strategies:\n- name: a\n  params: &p { url: x }\n- name: b\n  params: *p";
  expect(parseDocument(text)).toMatchObject({
    document: { strategies: [{ params: { url: "x" } }, { params: { url: "x" } }] },
  });
});

test("a fault in params does not repeat what stands there", () => {
  const text =
    'strategies: [{ name: a, params: { a: 9123456789012345678, b: !x hunter2, c: "hunter2\\0", d: 0x123456 } }]';
  expect(faultsOf(text)).toHaveLength(4);
  expect(faultsOf(text).join()).not.toMatch(/hunter2|9123456789|123456/);
});

test("a value of JSON has the same faults, with paths and without lines", () => {
  const value = { tickers: [{ symbol: 700 }], signals: null, strategies: [{ name: "a", "x y": 1 }] };
  expect(documentFromJson(value)).toEqual({
    ok: false,
    faults: [
      { path: "tickers[0].symbol", message: expect.stringContaining('put it in quotes: "700"') },
      { path: "signals", message: expect.stringContaining("signals is empty") },
      { path: 'strategies[0]["x y"]', message: expect.stringContaining("is no field of a strategy") },
    ],
  });
});

test("a document is written to be edited: defaults left out, what decides first always there", () => {
  const params = { url: "https://a.b/c", on: 1 };
  const read = documentFromJson({
    tickers: [{ symbol: "0700", status: "disabled" }, { symbol: "ETHUSDT" }],
    signals: [
      { name: "EMA cross", long_phrase: "EMA_LONG", short_phrase: "EMA_SHORT", source: "tv" },
      { name: "no", long_phrase: "NO_LONG" },
    ],
    strategies: [
      { name: "Trend" },
      { name: "a: b", signals: ["EMA cross", "no"], tickers: ["0700", "ETHUSDT"], enabled: false, params },
    ],
  });
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  const { document } = read;
  const lines = formatDocument(document, "yaml").split("\n");
  expect(lines.filter((line) => line.startsWith("#")).join("\n")).toMatch(
    /Comments are not kept[^]*yaml-language-server: \$schema=\.\/reference\.schema\.json$/,
  );
  expect(lines.filter((line) => !line.startsWith("#")).join("\n")).toBe(`
tickers:
  - symbol: "0700"
    status: disabled
  - symbol: ETHUSDT

signals:
  - name: EMA cross
    long_phrase: EMA_LONG
    short_phrase: EMA_SHORT
    source: tv

  - name: "no"
    long_phrase: NO_LONG

strategies:
  - name: Trend
    signals: []
    tickers: all
    handler: log
    enabled: true

  - name: "a: b"
    signals: [EMA cross, "no"]
    tickers: ["0700", ETHUSDT]
    handler: log
    params:
      url: "https://a.b/c"
      "on": 1
    enabled: false
`);
});

test("text is text to both versions of YAML", () => {
  for (const written of [
    "BTCUSDT",
    "5m breakout",
    "EMA cross",
    "1h",
    "Yes please",
    "e3",
    "nope",
    "10.P",
    "1INCHUSDT",
  ])
    expect(plainValue(written)).toEqual({ kind: "text", text: written });
});
