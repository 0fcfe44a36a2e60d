import { cutText, printable } from "./text.ts";

/** A strategy as messages for people name it: `Trend follower (1)`, or `strategy 1` while its name is not known. */
export function strategyLabel(id: number, name: string | null | undefined): string {
  const shown = printable(name ?? "").trim();
  if (shown === "") return `strategy ${id}`;
  const cut = cutText(shown, NAME_BYTES_MAX);
  return `${cut}${cut === shown ? "" : "…"} (${id})`;
}

/** Names are free text; a longer one is cut. */
const NAME_BYTES_MAX = 80;
