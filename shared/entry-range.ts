import { isEntryId } from "./entry.ts";
import { parseTime, TIME_FORMS } from "./signal/time.ts";

/** A range of entries by the time they arrived: the first and the last id, both inclusive, as Redis writes ids. */
export interface EntryRange {
  readonly from: string;
  readonly to: string;
}

/** What a bound of a range has to look like, for messages. */
export const BOUND_FORMS = `an entry id such as 1700000000000-0, or a time: ${TIME_FORMS}`;

const SEQUENCE_MAX = 2n ** 64n - 1n;

/** The id for a bound given as an id or a time: of a time, its first or its last id. Undefined: neither id nor time. */
export function boundOf(text: string, side: keyof EntryRange): string | undefined {
  const given = text.trim();
  if (isEntryId(given)) return canonicalEntryId(given);
  const time = parseTime(given);
  if (time === undefined) return undefined;
  return side === "from" ? `${time}-0` : lastIdAt(time);
}

/** The highest id of an entry that arrives at this time, milliseconds since 1970. */
export function lastIdAt(time: number): string {
  return `${time}-${SEQUENCE_MAX}`;
}

/** The id as Redis writes it: without leading zeros. */
export function canonicalEntryId(id: string): string {
  return id
    .split("-")
    .map((part) => String(BigInt(part)))
    .join("-");
}

/** Negative when `a` comes before `b` in a stream. Both as Redis writes them. */
export function compareEntryIds(a: string, b: string): number {
  const [aTime = "", aSequence = ""] = a.split("-");
  const [bTime = "", bSequence = ""] = b.split("-");
  const byTime = compareNumbers(aTime, bTime);
  return byTime === 0 ? compareNumbers(aSequence, bSequence) : byTime;
}

/** Compares digits, since the numbers may exceed 2^53: without leading zeros, the longer one is larger. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
