import type { Entry } from "../../shared/entry.ts";

/** Dead letters of entries that their group dropped, which a fault of the run has made it do. */
export function isLostEntry({ fields }: Entry): boolean {
  return fields["reason"] === "entry_lost";
}

/** How many signals were lost in this way. A task that was has a failed outcome. */
export function lostSignals(deadLetters: readonly Entry[]): number {
  return deadLetters.filter((letter) => isLostEntry(letter) && letter.fields["stream"] === "signals_stream")
    .length;
}
