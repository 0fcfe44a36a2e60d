import type { Direction, Side } from "../reference/reference.ts";
import { namedId } from "../reference/row-faults.ts";
import { foldPhrase } from "../signal/signal.ts";
import { printable } from "../text.ts";
import { phraseIn } from "./document-of-rows.ts";
import type { DocumentFault } from "./document.ts";
import type { StoredSignal } from "./stored-rows.ts";

/** What the columns with phrases mean. */
export const PHRASE_FIELDS = {
  long_phrase: { direction: "long", side: null, text: "opens long" },
  short_phrase: { direction: "short", side: null, text: "opens short" },
  exit_phrase: { direction: "flat", side: null, text: "exits both sides" },
  long_exit_phrase: { direction: "flat", side: "long", text: "exits long" },
  short_exit_phrase: { direction: "flat", side: "short", text: "exits short" },
} as const satisfies Record<
  string,
  { readonly direction: Direction; readonly side: Side | null; readonly text: string }
>;

export type PhraseField = keyof typeof PHRASE_FIELDS;
const FIELDS = Object.keys(PHRASE_FIELDS) as readonly PhraseField[];

/** One use of a phrase by an enabled signal. */
export interface PhraseUse {
  readonly signal: StoredSignal;
  readonly field: PhraseField;
}

/** What enabled signals use each phrase for, by folded phrase. */
export function phraseUses(signals: readonly StoredSignal[]): ReadonlyMap<string, readonly PhraseUse[]> {
  const uses = new Map<string, PhraseUse[]>();
  for (const signal of signals) {
    if (!signal.enabled) continue;
    for (const field of FIELDS) {
      const phrase = phraseIn(signal[field]);
      if (phrase === null) continue;
      const folded = foldPhrase(phrase);
      uses.set(folded, [...(uses.get(folded) ?? []), { signal, field }]);
    }
  }
  return uses;
}

/** Why a phrase with these uses cannot mean an exit; undefined when no exit is concerned, or all mean the same. */
export function exitConflict(phrase: string, uses: readonly PhraseUse[]): ExitConflict | undefined {
  const exits = uses.filter(isExit);
  const sides = new Set(exits.map(({ field }) => PHRASE_FIELDS[field].side));
  const opens = exits.length < uses.length;
  if (exits.length === 0 || (!opens && sides.size < 2)) return undefined;
  const texts = uses.map(({ signal: { id, name }, field }) => {
    return `signal ${namedId(name, `${id}`)} ${PHRASE_FIELDS[field].text} by it (${field})`;
  });
  return {
    exits,
    opens,
    text: printable(`phrase ${JSON.stringify(phrase)} stands for different things: ${texts.join(", ")}`),
  };
}

export interface ExitConflict {
  readonly exits: readonly PhraseUse[];
  /** Whether it opens positions, too. */
  readonly opens: boolean;
  readonly text: string;
}

/**
 * Phrases that an edit would make stand for an exit and something else. What the rows already say is no fault of an edit, which
 * may be urgent: it is warned of. `places`: where the document has each signal, by id.
 */
export function phraseFaults(
  before: readonly StoredSignal[],
  after: readonly StoredSignal[],
  places: ReadonlyMap<number, number>,
): DocumentFault[] {
  const known = phraseUses(before);
  return [...phraseUses(after)].flatMap(([phrase, uses]) => {
    const conflict = exitConflict(phrase, uses);
    if (conflict === undefined || keyOf(known.get(phrase) ?? []) === keyOf(uses)) return [];
    const placed = [...conflict.exits, ...uses].find(({ signal }) => places.has(signal.id));
    const path =
      placed === undefined ? "signals" : `signals[${places.get(placed.signal.id)}].${placed.field}`;
    return [{ path, message: `${conflict.text}; give the exit a phrase of its own` }];
  });
}

function isExit({ field }: PhraseUse): boolean {
  return PHRASE_FIELDS[field].direction === "flat";
}

function keyOf(uses: readonly PhraseUse[]): string {
  return uses.map(({ signal: { id }, field }) => `${id} ${field}`).join(", ");
}
