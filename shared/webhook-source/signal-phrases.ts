import type { Side } from "../reference/reference.ts";
import type { Snapshot, Subscription } from "../reference/snapshot.ts";
import { foldPhrase, type FieldFault } from "../signal/signal.ts";

/** The signal that one of its phrases names: a snapshot has no names of signals. */
export function signalNamed(
  phrase: string,
  { subscriptions }: Snapshot,
): { readonly id: number } | { readonly fault: FieldFault } {
  if (phrase === "") return { fault: { field: "signal", reason: "missing_field", expected: EXPECTED } };
  const found = subscriptions.get(foldPhrase(phrase));
  const fault = { field: "signal", reason: "invalid_field", given: phrase } as const;
  if (found === undefined) return { fault: { ...fault, expected: EXPECTED } };
  if (found.signal_ids.length === 1) return { id: found.signal_id };
  const expected = `a phrase that one signal has: this one belongs to signals ${found.signal_ids.join(", ")}`;
  return { fault: { ...fault, expected } };
}

const EXPECTED = "any phrase of the signal that is meant, such as EMA_CROSS_LONG";

/** The phrase of a signal that opens a side, or closes it: by its phrase for that side, else by that for both. */
export function phraseFor(
  signalId: number,
  change: { readonly opens: Side } | { readonly closes: Side },
  { subscriptions }: Snapshot,
): { readonly text: string } | { readonly fault: FieldFault; readonly isWithoutExit: boolean } {
  const own = [...subscriptions.values()].filter(({ signal_ids: ids }) => ids.includes(signalId));
  const found =
    "opens" in change
      ? own.find(({ direction }) => direction === change.opens)
      : (own.find((each) => isExit(each) && each.side === change.closes) ??
        own.find((each) => isExit(each) && each.side === undefined));
  if (found !== undefined) return { text: found.phrase };
  const needed = "opens" in change ? `${change.opens}_phrase` : `${change.closes}_exit_phrase or exit_phrase`;
  const expected = `a signal with a ${needed} that means only that: signal ${signalId} has none`;
  const fault = { field: "signal", reason: "invalid_field", expected, given: nameOf(own) } as const;
  return { fault, isWithoutExit: "closes" in change };
}

function isExit({ direction }: Subscription): boolean {
  return direction === "flat";
}

function nameOf(phrases: readonly Subscription[]): string {
  return phrases[0]?.phrase ?? "";
}
