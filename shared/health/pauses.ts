import { PAUSE_ALL } from "../decide/control.ts";
import { printable } from "../text.ts";
import { degraded, type Fault } from "./fault.ts";

/** What is wrong because of pauses: only that everything is paused. A single strategy is paused on purpose, and shown as such. */
export function pauseFaults(paused: PausesHealth): Fault[] {
  const note = paused[PAUSE_ALL];
  if (note === undefined) return [];
  return [
    degraded(
      `everything is paused${pausedText(note)}: no signal is dispatched; \`npm run cli -- resume\` ends it`,
    ),
  ];
}

/** The fields of the `control` hash but the epoch: `*` or the id of a strategy, with the note of who paused it. */
export type PausesHealth = Readonly<Record<string, string>>;

/** Since when and by whom, as far as the note says so: ` since 2026-01-01 09:30 UTC by ann`. */
export function pausedText(note: string): string {
  const { at, by } = pauseNote(note);
  return (at === null ? "" : ` since ${minuteText(at)}`) + (by === null ? "" : ` by ${by}`);
}

/** Since when, in milliseconds since 1970, and by whom; null where the note does not say so. */
export function pauseNote(note: string): { readonly at: number | null; readonly by: string | null } {
  const { at, by } = parsedNote(note);
  return {
    at: typeof at === "number" && Math.abs(at) <= DATE_MS_MAX ? at : null,
    by: typeof by === "string" && by !== "" ? printable(by).slice(0, 100) : null,
  };
}

/** The last time a Date can hold. */
const DATE_MS_MAX = 8.64e15;

/** A person may have written the field without a note. */
function parsedNote(note: string): { readonly at?: unknown; readonly by?: unknown } {
  try {
    const parsed: unknown = JSON.parse(note);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function minuteText(at: number): string {
  const [date, time = ""] = new Date(at).toISOString().split("T");
  return `${date} ${time.slice(0, 5)} UTC`;
}
