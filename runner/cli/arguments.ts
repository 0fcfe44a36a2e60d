import { InvalidArgumentError } from "commander";
import { DURATION_FORMS, durationMs } from "../../shared/duration.ts";
import { isEntryId } from "../../shared/entry.ts";
import { parseTime, TIME_FORMS } from "../../shared/signal/time.ts";

/** What is typed after a command, checked. @throws InvalidArgumentError saying what is expected */

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

/** A duration such as 2h, in milliseconds. */
export function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${DURATION_FORMS}.`);
  return ms;
}

/** A time, in milliseconds since 1970. */
export function time(text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${TIME_FORMS}.`);
  return ms;
}

/** A number of lines or of things, from 1. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new InvalidArgumentError("Expected a whole number from 1 to 999999.");
  return Number(text);
}

/** The id of an entry. */
export function entryId(text: string): string {
  if (!isEntryId(text)) throw new InvalidArgumentError("Expected an entry id such as 1700000000000-0.");
  return text;
}

/** Several ids of entries, one after the other. */
export function entryIds(text: string, before: readonly string[] = []): string[] {
  return [...before, entryId(text)];
}
