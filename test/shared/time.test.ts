import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseTime } from "../../shared/time.ts";
import { writtenTime } from "../arbitraries.ts";

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
  "x2025-01-15",
  "2025-01-15T12:00:00Z\0",
  "２０２５-01-15",
])("%j is no time", (text) => {
  expect(parseTime(text)).toBeUndefined();
});

const anyMs = fc.integer({ min: 100_000_000_000, max: 9_999_900_000_000 });
const anyTime = fc.oneof(
  anyMs,
  anyMs.map((ms) => ms - (ms % 1000)),
  anyMs.map((ms) => ms - (ms % 86_400_000) + 86_400_000),
);
const written = anyTime.chain((ms) => fc.tuple(fc.constant(ms), writtenTime(ms)));

test("a time is the same in whichever form it is written", () => {
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
