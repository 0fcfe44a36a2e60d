import type { Entry } from "../../shared/entry.ts";

/** Dead letters of entries that their group dropped, which a fault of the run has made it do. */
export function isLostEntry({ fields }: Entry): boolean {
  return fields["reason"] === "entry_lost";
}

/** How many signals and tasks among the dead letters were lost in this way. */
export function lostEntries(deadLetters: readonly Entry[]): {
  readonly signals: number;
  readonly tasks: number;
} {
  const lost = deadLetters.filter(isLostEntry);
  const signals = lost.filter(({ fields }) => fields["stream"] === "signals_stream").length;
  return { signals, tasks: lost.length - signals };
}
