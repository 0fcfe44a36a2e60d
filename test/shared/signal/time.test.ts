import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hasOffsetAndZ, isoTime, parseTime } from "../../../shared/signal/time.ts";
import { writtenTime } from "../../arbitraries.ts";

const NOON = Date.UTC(2025, 0, 15, 12);

test.each([
  ["2025-01-15T12:00:00Z", NOON],
  ["2025-01-15t12:00:00z", NOON],
  ["2025-01-15T12:00:00", NOON],
  ["2025-01-15 12:00:00", NOON],
  ["2025-01-15T12:00", NOON],
  ["  2025-01-15T12:00:00Z\n", NOON],
  ["2025-01-15T12:00:00.123Z", NOON + 123],
  ["2025-01-15T12:00:00.123456+00:00", NOON + 123],
  ["2025-01-15T12:00:00.999999", NOON + 999],
  ["2025-01-15T12:00:00.1234567891", NOON + 123],
  ["2025-01-15T12:00:00,5Z", NOON + 500],
  ["2025-01-15T12:00:00.05Z", NOON + 50],
  ["2025-01-15T14:00:00+02:00", NOON],
  ["2025-01-15T14:00:00+02", NOON],
  ["2025-01-15T17:30:00+0530", NOON],
  ["2025-01-15 04:00:00 -08:00", NOON],
  ["2025-01-16T00:30:00+12:30", NOON],
  ["2025-01-15T15:00:00+03:00Z", NOON],
  ["2025-01-15 04:00:00.5 -0800z", NOON + 500],
  ["2025-01-15T14:00+02Z", NOON],
  ["2025-01-15", NOON - 12 * 3_600_000],
  ["2024-02-29", Date.UTC(2024, 1, 29)],
  ["1970-01-01T00:00:00Z", 0],
  ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
  ["1736942400", NOON],
  ["1736942400.5", NOON + 500],
  ["1736942400.123999999", NOON + 123],
  ["1736942400000", NOON],
  ["1736942400000.999", NOON],
  ["100000000", 100_000_000_000],
  ["99999999999", 99_999_999_999_000],
  ["100000000000", 100_000_000_000],
])("%j is a time", (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

test.each([
  "",
  " ",
  "now",
  "NaN",
  "0",
  "1",
  "-1736942400",
  "99999999",
  "000000001",
  "1e12",
  "0x19469b3b400",
  "17369424000000",
  "1736942400.",
  "20250115",
  "2025-1-15",
  "2025-02-29",
  "2025-02-30T00:00:00Z",
  "2025-00-10",
  "2025-13-01",
  "2025-01-32",
  "2025-01-00",
  "0000-01-01",
  "0099-01-01T00:00:00Z",
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00+01:00",
  "9999-12-31T23:59:59-01:00",
  "2025-01-15T24:00:00Z",
  "2025-01-15T12:60:00Z",
  "2025-01-15T12:00:60Z",
  "2025-01-15T12",
  "2025-01-15T12:00:00.",
  "2025-01-15T12:00:00+24:00",
  "2025-01-15T12:00:00+02:60",
  "2025-01-15T12:00:00+2",
  "2025-01-15T12:00:00 CET",
  "2025-01-15T12:00:00ZZ",
  "2025-01-15T12:00:00+03:00ZZ",
  "2025-01-15T12:00:00Z+03:00",
  "x2025-01-15",
  "2025-01-15T12:00:00Z\0",
  "２０２５-01-15",
])("%j is no time", (text) => {
  expect(parseTime(text)).toBeUndefined();
});

test("an offset with a Z behind it is told from each of them alone", () => {
  const times = [
    "2025-01-15T12:00:00",
    "2025-01-15 12:00",
    "2025-01-15T12:00:00.000",
    "2025-01-15T12:00:00,5",
  ];
  for (const time of times) {
    for (const zone of ["", "Z", "z", "+03:00", "-03", "+0300"])
      expect(hasOffsetAndZ(time + zone)).toBe(false);
    for (const zone of ["+03:00Z", "-03z", "+0300Z", " -11:30Z"]) {
      expect(parseTime(time + zone)).toBeDefined();
      expect(hasOffsetAndZ(time + zone)).toBe(true);
    }
  }
});

const anyMs = fc.integer({ min: 100_000_000_000, max: 9_999_900_000_000 });
const anyTime = fc.oneof(
  anyMs,
  anyMs.map((ms) => ms - (ms % 1000)),
  anyMs.map((ms) => ms - (ms % 86_400_000) + 86_400_000),
);
const written = anyTime.chain((ms) => fc.tuple(fc.constant(ms), writtenTime(ms)));

test("a time is the same in every form", () => {
  fc.assert(
    fc.property(written, ([ms, text]) => {
      expect(parseTime(text)).toBe(ms);
    }),
    { numRuns: 1000 },
  );
});

test("any text is a time between 1970 and 9999 in whole milliseconds, or none", () => {
  const almost = fc.stringMatching(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost, fc.stringMatching(/^\d{8,14}$/)), (text) => {
      const time = parseTime(text) ?? 0;
      expect(time).toBe(Math.min(Math.max(Math.trunc(time), 0), 253_402_300_799_999));
    }),
    { numRuns: 1000 },
  );
});

const someTime = fc.integer({ min: 0, max: 253_402_300_799_999 });
/** The form Date writes, with any digits. */
const digits = (length: number, max: number) =>
  fc.integer({ min: 0, max }).map((number) => String(number).padStart(length, "0"));
const canonicalText = fc
  .tuple(
    digits(4, 9999),
    digits(2, 13),
    digits(2, 32),
    digits(2, 24),
    digits(2, 60),
    digits(2, 60),
    digits(3, 999),
  )
  .map(([y, m, d, h, min, s, ms]) => `${y}-${m}-${d}T${h}:${min}:${s}.${ms}Z`);
const leapDay = fc.integer({ min: 1970, max: 9999 }).map((year) => `${year}-02-29T00:00:00.000Z`);

test("a text in the form Date writes means the same as with its zone written in another way", () => {
  fc.assert(
    fc.property(fc.oneof(canonicalText, leapDay), (text) => {
      expect(parseTime(text)).toBe(parseTime(text.replace("Z", "+00:00")));
    }),
    { numRuns: 2_000 },
  );
});

test("a text in the form Date writes is no time with anything but a digit for a digit", () => {
  const places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22];
  // The neighbours of 0 and 9 among the characters, and a digit of another script.
  const put = fc.constantFrom("/", ":", "x", "-", "\u0661");
  fc.assert(
    fc.property(someTime, fc.constantFrom(...places), put, (ms, at, character) => {
      const text = new Date(ms).toISOString();
      expect(parseTime(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined();
    }),
  );
});

test("times are written as Date does, whatever was read and written before", () => {
  const step = fc.oneof(
    someTime.map((ms) => () => expect(isoTime(ms)).toBe(new Date(ms).toISOString())),
    someTime.map((ms) => () => expect(parseTime(new Date(ms).toISOString())).toBe(ms)),
    // The same indexes again and again.
    fc.nat(200).map((ms) => () => expect(isoTime(ms)).toBe(new Date(ms).toISOString())),
    fc.nat(200).map((ms) => () => expect(parseTime(` ${new Date(ms).toISOString()}\n`)).toBe(ms)),
    canonicalText.map((text) => () => void parseTime(text)),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 50 }), (steps) => steps.forEach((take) => take())));
});
