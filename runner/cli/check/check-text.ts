import { printable } from "../../../shared/text.ts";
import type { CheckLine } from "./check-line.ts";

/** The lines of `cli check` for people, and what they come to; on a terminal with colours and one heading per subject. */
export function checkText(lines: readonly CheckLine[], { colours }: { readonly colours: boolean }): string {
  const paint = (format: Format, text: string): string =>
    colours && text !== "" ? `\u001B[${COLOURS[format]}m${text}\u001B[0m` : text;
  let last = "";
  const shown = lines.map(({ subject, status, message }) => {
    const { sign, format } = SIGNS[status];
    const heading = colours && subject === last ? "" : subject;
    last = subject;
    const body = printable(message.replaceAll(/\s*\n\s*/g, "; "));
    const text = status === "not_checked" ? paint("dim", `not checked – ${body}`) : body;
    return `${paint(format, sign)} ${paint("bold", heading.padEnd(SUBJECT_WIDTH))} ${text}`;
  });
  return [...shown, "", paint(summaryFormat(lines), summary(lines))].join("\n");
}

export interface CheckJson {
  readonly ok: boolean;
  readonly faults: number;
  readonly warnings: number;
  readonly checks: readonly CheckLine[];
}

/** The same for programs. */
export function checkJson(lines: readonly CheckLine[]): CheckJson {
  const faults = countOf(lines, "fault");
  return { ok: faults === 0, faults, warnings: countOf(lines, "warning"), checks: lines };
}

/** Codes of the terminal. */
const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
type Format = keyof typeof COLOURS;

const SIGNS: Readonly<Record<CheckLine["status"], { readonly sign: string; readonly format: Format }>> = {
  ok: { sign: "✓", format: "green" },
  warning: { sign: "!", format: "yellow" },
  fault: { sign: "✗", format: "red" },
  not_checked: { sign: "–", format: "dim" },
};
const SUBJECT_WIDTH = "Environment".length;

function countOf(lines: readonly CheckLine[], status: CheckLine["status"]): number {
  return lines.filter((line) => line.status === status).length;
}

function summary(lines: readonly CheckLine[]): string {
  const [faults, warnings] = [countOf(lines, "fault"), countOf(lines, "warning")];
  const also = warnings === 0 ? "" : `, ${amount(warnings, "warning")}`;
  if (faults === 0) return `No fault${also}. Nothing was changed.`;
  return `${amount(faults, "fault")}${also}: correct what is marked ✗, then check again. Nothing was changed.`;
}

function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function summaryFormat(lines: readonly CheckLine[]): Format {
  if (countOf(lines, "fault") > 0) return "red";
  return countOf(lines, "warning") > 0 ? "yellow" : "green";
}
