import { describe, expect, test } from "vitest";
import {
  foldPhrase,
  normaliseSymbol,
  parseSignal,
  uidOf,
  type Signal,
} from "../../../shared/signal/signal.ts";
import { entryFrom, NOW, signalFields } from "../../builders.ts";

const ENTRY_AT = NOW - 1000;
type Changes = Parameters<typeof signalFields>[0];

const parse = (changes: Changes) => parseSignal(entryFrom(signalFields(changes), { at: ENTRY_AT }), NOW);

function valid(changes: Changes): Signal {
  const parsed = parse(changes);
  if (parsed.status !== "valid") throw new Error(`rejected: ${JSON.stringify(parsed.faults)}`);
  return parsed.signal;
}

function faults(changes: Changes) {
  const parsed = parse(changes);
  return parsed.status === "valid" ? [] : parsed.faults;
}

test("an entry becomes a signal with everything in it", () => {
  const signal = valid({
    message: "  Ema_Cross_Long ",
    symbol: " btcusdt.p",
    bar_time: "2025-01-15 11:59:00+00:00",
    sent_at: "2025-01-15T11:59:30.250Z",
    received_at: "1736942370",
    source: " tradingview ",
    decision_time: "x",
  });
  expect(signal).toEqual({
    entryId: `${ENTRY_AT}-0`,
    raw: {
      message: "  Ema_Cross_Long ",
      symbol: " btcusdt.p",
      bar_time: "2025-01-15 11:59:00+00:00",
      sent_at: "2025-01-15T11:59:30.250Z",
      received_at: "1736942370",
      source: " tradingview ",
      decision_time: "x",
    },
    uid: uidOf("BTCUSDT", "ema_cross_long", NOW - 60_000),
    symbol: "BTCUSDT",
    message: "Ema_Cross_Long",
    phrase: "ema_cross_long",
    source: "tradingview",
    barTime: NOW - 60_000,
    sentAt: NOW - 29_750,
    receivedAt: NOW - 30_000,
    receivedText: "1736942370",
    ageFrom: NOW - 29_750,
    notes: {},
    extra: '{"decision_time":"x"}',
  });
});

test("what is not given is absent, and the entry's id gives the time of receipt", () => {
  const expected = { source: null, sentAt: null, receivedAt: ENTRY_AT, ageFrom: ENTRY_AT, notes: {} };
  expect(valid({})).toMatchObject(expected);
  expect(valid({ source: "", sent_at: " ", received_at: "\t", uid: "", time: "" })).toMatchObject(expected);
});

describe("the bar's time", () => {
  test.each([
    ["bar_time", { bar_time: "1736942340" }],
    ["time, when there is no bar_time", { bar_time: undefined, time: "1736942340" }],
    ["time, when bar_time is empty", { bar_time: "  ", time: "1736942340" }],
    ["bar_time, when there are both", { bar_time: "1736942340", time: "1700000000" }],
  ])("is read from %s", (_field, changes) => {
    expect(valid(changes).barTime).toBe(NOW - 60_000);
  });
});

describe("sent_at", () => {
  test.each([
    ["in the past", "2025-01-15T11:00:00Z", NOW - 3_600_000],
    ["5 s ahead, which clocks may be", "2025-01-15T12:00:05Z", NOW + 5000],
  ])("counts when it is %s", (_when, sentAt, ms) => {
    expect(valid({ sent_at: sentAt })).toMatchObject({ sentAt: ms, ageFrom: ms, notes: {} });
  });

  test.each([
    ["more than 5 s ahead", "2025-01-15T12:00:05.001Z", "in the future"],
    ["unusable", "yesterday", "not ISO 8601"],
  ])("counts as absent and is noted when it is %s", (_when, sentAt, why) => {
    const signal = valid({ sent_at: sentAt });
    expect(signal).toMatchObject({ sentAt: null, ageFrom: ENTRY_AT });
    expect(signal.notes).toEqual({ sent_at_ignored: { given: sentAt, why: expect.stringContaining(why) } });
  });
});

test("times with an offset and then a Z are read by the offset, and noted", () => {
  const odd = "2025-01-15T14:59:00+03:00Z";
  const signal = valid({ bar_time: odd, sent_at: odd, received_at: odd });
  expect(signal).toMatchObject({ barTime: NOW - 60_000, sentAt: NOW - 60_000, receivedAt: NOW - 60_000 });
  const note = { given: odd, why: "the offset counts" };
  expect(signal.notes).toEqual({
    bar_time_has_offset_and_z: note,
    sent_at_has_offset_and_z: note,
    received_at_has_offset_and_z: note,
  });
  expect(valid({ bar_time: undefined, time: odd }).notes).toEqual({ time_has_offset_and_z: note });
});

test("an unusable received_at is noted, and the entry id's time is used", () => {
  const signal = valid({ received_at: "soon" });
  expect(signal.receivedText).toBeNull();
  expect(signal.receivedAt).toBe(ENTRY_AT);
  expect(signal.notes).toHaveProperty("received_at_ignored.given", "soon");
});

describe("rejected is an entry", () => {
  test.each<[string, Changes, [string, string][]]>([
    ["without message", { message: undefined }, [["message", "missing_field"]]],
    ["with an empty message", { message: "" }, [["message", "missing_field"]]],
    ["with a blank message", { message: " \n" }, [["message", "missing_field"]]],
    ["without symbol", { symbol: undefined }, [["symbol", "missing_field"]]],
    ["whose symbol is nothing but .P", { symbol: " .p " }, [["symbol", "invalid_field"]]],
    ["without a time", { bar_time: undefined }, [["bar_time", "missing_field"]]],
    ["with a broken bar_time", { bar_time: "noon" }, [["bar_time", "invalid_field"]]],
    [
      "with a broken bar_time, good time or not",
      { bar_time: "noon", time: "1736942340" },
      [["bar_time", "invalid_field"]],
    ],
    ["with a broken time", { bar_time: "", time: "noon" }, [["time", "invalid_field"]]],
    ["with a uid of 257 characters", { uid: "u".repeat(257) }, [["uid", "invalid_field"]]],
    [
      "whose uid is a placeholder that was not filled in",
      { uid: "{{strategy.order.id}}" },
      [["uid", "invalid_field"]],
    ],
    ["whose uid contains one", { uid: "BTC-{{plot_0}}-1" }, [["uid", "invalid_field"]]],
    ["whose uid contains an empty one", { uid: "x{{}}" }, [["uid", "invalid_field"]]],
    [
      "with placeholders in all that says what it is",
      { message: "{{strategy.order.comment}}", symbol: "{{ticker}}.P", bar_time: "{{time}}", uid: "{{x}}" },
      [
        ["bar_time", "invalid_field"],
        ["message", "invalid_field"],
        ["symbol", "invalid_field"],
        ["uid", "invalid_field"],
      ],
    ],
    [
      "with several faults, reported together",
      { message: "", symbol: "", bar_time: "noon" },
      [
        ["bar_time", "invalid_field"],
        ["message", "missing_field"],
        ["symbol", "missing_field"],
      ],
    ],
  ])("%s", (_what, changes, expected) => {
    expect(faults(changes).map(({ field, reason }) => [field, reason])).toEqual(expected);
  });

  test("and what can be read of it is kept", () => {
    const parsed = parse({ message: " x ", bar_time: "noon", uid: "u1", source: "s" });
    expect(parsed).toMatchObject({
      status: "rejected",
      facts: { uid: "u1", symbol: "BTCUSDT", message: "x", source: "s", barTime: null, receivedAt: ENTRY_AT },
    });
  });

  test("and its fault quotes at most 200 bytes of the value", () => {
    expect(faults({ bar_time: "😀".repeat(1000) })[0]?.given).toBe("😀".repeat(50));
  });

  test("and a uid that is too long is not its uid", () => {
    expect(parse({ uid: "u".repeat(257) })).toMatchObject({ facts: { uid: null } });
    expect(parse({ uid: "{{x}}" })).toMatchObject({ facts: { uid: null } });
  });

  test.each(["NaN", " null ", "undefined", "None", "N/A"])(
    "a uid %s, which senders write for no value, is refused",
    (uid) => {
      expect(parse({ uid })).toMatchObject({
        status: "rejected",
        faults: [{ field: "uid", reason: "invalid_field" }],
      });
    },
  );

  test.each(["nano", "null-1", "no"])("but %s is a uid", (uid) => {
    expect(parse({ uid })).toMatchObject({ status: "valid", signal: { uid } });
  });

  test.each(["{{", "{x}", "}}{{", "{{a", "a}}", "{ {x} }"])("but %s is no placeholder", (uid) => {
    expect(parse({ uid })).toMatchObject({ status: "valid", signal: { uid } });
  });

  test("nor is one in a field that does not say what the signal is", () => {
    const changes = { source: "{{exchange}}", sent_at: "{{timenow}}", note: "{{close}}" };
    expect(parse(changes)).toMatchObject({
      status: "valid",
      signal: { source: "{{exchange}}", notes: { sent_at_ignored: { given: "{{timenow}}" } } },
    });
  });
});

test("characters that cannot be stored are replaced before anything is read, and noted", () => {
  const signal = valid({ message: "EMA\0LONG", symbol: "\uD83D", extra: "x".repeat(16_385) });
  expect(signal).toMatchObject({ message: "EMA\uFFFDLONG", symbol: "\uFFFD" });
  expect(signal.raw["extra"]).toHaveLength(16_384);
  expect(signal.notes).toEqual({
    replaced_characters_in: ["message", "symbol"],
    cut_fields: ["extra"],
    extra_left_out: ["extra"],
  });
});

describe("symbols are compared in upper case, without spaces and .P", () => {
  test.each([
    ["BTCUSDT", "BTCUSDT"],
    [" btcUSDT.p\t", "BTCUSDT"],
    ["BTC.PERP", "BTC.PERP"],
    ["BTCP", "BTCP"],
    ["BTC.P.P", "BTC.P"],
    ["BINANCE:BTCUSDT.P", "BINANCE:BTCUSDT"],
    [".P", ""],
  ])("%j is %j", (text, symbol) => {
    expect(normaliseSymbol(text)).toBe(symbol);
  });
});

describe("phrases are compared without case and outer spaces", () => {
  test.each([
    [" EMA_Cross_LONG ", "ema_cross_long"],
    ["Пробой ВВЕРХ", "пробой вверх"],
    ["EMA  LONG", "ema  long"],
    ["STRASSE", "strasse"],
    ["Straße", "strasse"],
    ["300 K", "300 k"],
    ["ΟΔΟΣ", "οδος"],
    ["οδοσ", "οδος"],
  ])("%j is %j", (text, phrase) => {
    expect(foldPhrase(text)).toBe(phrase);
  });
});
