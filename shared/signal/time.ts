import { TIME_MS_MAX } from "../entry.ts";

/**
 * Times as producers of signals write them: ISO 8601 with or without zone (none = UTC), `T` or a space between date and time,
 * any number of decimals; or Unix seconds or milliseconds. An offset may have a `Z` behind it, as one old webhook writes it; the
 * offset counts. The result is always in milliseconds since 1970.
 */

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s?(?:Z|([+-]\d{2}(?::?\d{2})?)Z?)?)?$/i;
const UNIX = /^(\d{9,13})(?:\.(\d+))?$/;

/** A smaller Unix number is in seconds, others are in milliseconds (in seconds this would be the year 5138). */
const UNIX_MS_MIN = 1e11;
/** A smaller number is no plausible time of a bar (1973 in seconds). */
const UNIX_S_MIN = 1e8;

/** What a time has to look like, for messages. */
export const TIME_FORMS =
  "ISO 8601 (no zone = UTC) or Unix seconds or milliseconds, such as 2026-01-05T10:00:00Z";

/** Milliseconds since 1970, without parts of a millisecond; undefined when the text is no time. */
export function parseTime(text: string): number | undefined {
  const trimmed = text.trim();
  const canonical = canonicalTime(trimmed);
  if (canonical !== undefined) {
    cacheTime(canonical, trimmed);
    return canonical;
  }
  const unix = UNIX.exec(trimmed);
  if (unix !== null) {
    const whole = Number(unix[1]);
    if (whole < UNIX_S_MIN) return undefined;
    return whole < UNIX_MS_MIN ? whole * 1000 + millisecondsOf(unix[2]) : whole;
  }
  const match = ISO.exec(trimmed);
  return match === null ? undefined : timeOfParts(match);
}

/** Whether a time that `parseTime` has read has an offset and then a `Z`: `2026-11-30T10:55:00+03:00Z`. */
export function hasOffsetAndZ(text: string): boolean {
  const { length } = text;
  if (text[length - 1] !== "Z" && text[length - 1] !== "z") return false;
  // The sign of +03, +0300 and +03:00; without an offset there are digits and colons.
  return isSign(text[length - 4]) || isSign(text[length - 6]) || isSign(text[length - 7]);
}

function isSign(character: string | undefined): boolean {
  return character === "+" || character === "-";
}

/** The time as Date writes it, `2025-01-31T12:00:00.000Z`. */
export function isoTime(ms: number): string {
  const index = ms % CACHED_TIMES;
  const known = cachedMs[index] === ms ? cachedText[index] : undefined;
  if (known !== undefined) return known;
  const text = new Date(ms).toISOString();
  cacheTime(ms, text);
  return text;
}

/**
 * Texts of recent times: those of a signal are read and then written, and signals of one bar have the same. Together with
 * canonicalTime, reading and writing the three times of a signal takes 1 µs instead of 5.
 */
const CACHED_TIMES = 64;
const cachedMs: number[] = Array.from({ length: CACHED_TIMES }, () => Number.NaN);
const cachedText: string[] = Array.from({ length: CACHED_TIMES }, () => "");

function cacheTime(ms: number, text: string): void {
  const index = ms % CACHED_TIMES;
  cachedMs[index] = ms;
  cachedText[index] = text;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** A time in the exact form of Date, as most producers write it, read without a regular expression; undefined for others. */
function canonicalTime(text: string): number | undefined {
  if (text.length !== 24 || text[4] !== "-" || text[7] !== "-" || text[10] !== "T") return undefined;
  if (text[13] !== ":" || text[16] !== ":" || text[19] !== "." || text[23] !== "Z") return undefined;
  const year = digitsOf(text, 0, 4);
  const month = digitsOf(text, 5, 7);
  const day = digitsOf(text, 8, 10);
  const hour = digitsOf(text, 11, 13);
  const minute = digitsOf(text, 14, 16);
  const second = digitsOf(text, 17, 19);
  const millisecond = digitsOf(text, 20, 23);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
  // What is no digit gives NaN, for which every comparison is false.
  const isTime =
    year >= 1970 &&
    day >= 1 &&
    day <= days &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    millisecond <= 999;
  return isTime ? Date.UTC(year, month - 1, day, hour, minute, second, millisecond) : undefined;
}

function digitsOf(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function timeOfParts(match: RegExpExecArray): number | undefined {
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4] ?? 0);
  const minute = Number(match[5] ?? 0);
  const second = Number(match[6] ?? 0);
  const millisecond = millisecondsOf(match[7]);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const time = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  // Date.UTC turns the 30th of February into a day of March, and the year 99 into 1999.
  const date = new Date(time);
  const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  if (y !== year || m !== month || d !== day) return undefined;
  const offset = offsetMs(match[8]);
  if (offset === undefined) return undefined;
  const utc = time - offset;
  return utc >= 0 && utc <= TIME_MS_MAX ? utc : undefined;
}

/** Milliseconds from the decimals of a second. From the digits, since JavaScript cannot represent 1700000000.123999999. */
function millisecondsOf(decimals = ""): number {
  return Number(decimals.slice(0, 3).padEnd(3, "0"));
}

function offsetMs(zone: string | undefined): number | undefined {
  if (zone === undefined) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", ""));
  if (hours > 23 || minutes > 59) return undefined;
  const size = (hours * 60 + minutes) * 60_000;
  return zone.startsWith("-") ? -size : size;
}
