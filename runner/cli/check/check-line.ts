import type { Remark } from "../../../shared/config/remark.ts";
import { messageOf } from "../../../shared/error-message.ts";
import { within } from "../../engine/time-limit.ts";

/** One line of `cli check`. `not_checked`: an earlier fault, which is counted itself, stands in the way. */
export interface CheckLine {
  readonly subject: Subject;
  readonly status: Remark["kind"] | "not_checked";
  /** For people: what was found, and what to do about it. */
  readonly message: string;
}

export type Subject = "Environment" | "Redis" | "Postgres" | "Reference" | "Strategies" | "Clocks";

export function lineOf(subject: Subject, { kind, message }: Remark): CheckLine {
  return { subject, status: kind, message };
}

export function notChecked(subject: Subject, message: string): CheckLine {
  return { subject, status: "not_checked", message };
}

/** No check takes longer, in ms. */
const CHECK_MS_MAX = 5_000;

/** The lines of a check; one with what was not found out, when it throws or takes too long. Never rejects. */
export async function linesOf(
  subject: Subject,
  what: string,
  check: () => Promise<readonly Remark[]>,
): Promise<CheckLine[]> {
  try {
    const remarks = await inTime(check());
    return remarks.map((remark) => lineOf(subject, remark));
  } catch (error) {
    return [{ subject, status: "fault", message: `${what} could not be checked: ${messageOf(error)}` }];
  }
}

/** @throws Error when the work takes longer than a check may */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  return within(CHECK_MS_MAX, work, () => {
    throw new Error(`no answer within ${CHECK_MS_MAX / 1000} s`);
  });
}
