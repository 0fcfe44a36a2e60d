import type { SystemEvent } from "../events.ts";
import { foldPhrase } from "../signal/signal.ts";
import { sortedMap } from "./reference-text.ts";
import type { Direction, Phrase, RawReferenceRows, ReferenceRows, Side, SignalRow } from "./reference.ts";
import { keyText, namedId, rowFault, valueText, type RowFault } from "./row-faults.ts";

/**
 * What each phrase means, by the rows of signals:
 *
 * 1. Enabled signals decide; disabled ones count only when no enabled one has the phrase.
 * 2. A phrase that opens does not close: exits by it are left out, and named as faults.
 * 3. A phrase that opens long and short is ambiguous, and not traded.
 * 4. A phrase that closes different sides, one of which may be both, is ambiguous too, and its rows are named as faults.
 * 5. Of a row that cannot be read, openings count for 2 alone: what was meant to open must not close.
 */
export function phrasesOf(rows: ReferenceRows, raw: Pick<RawReferenceRows, "signals">): BuiltPhrases {
  const meanings = new Map<string, Meaning[]>();
  for (const signal of rows.signals.toSorted((a, b) => a.id - b.id)) {
    for (const { column, ...kind } of KINDS) {
      const phrase = signal[column]?.trim() ?? "";
      if (phrase === "") continue;
      const folded = foldPhrase(phrase);
      const meaning = { signal, row: rowOf(signal), column, phrase, ...kind };
      meanings.set(folded, [...(meanings.get(folded) ?? []), meaning]);
    }
  }
  const subscribers = subscribersOf(rows);
  const found: FoundFaults = { warnings: [], faults: [] };
  const unread = openingsNotRead(rows, raw);
  const phrases = [...meanings].flatMap(([folded, all]) => {
    const phrase = phraseOf(all, { subscribers, unread: unread.get(folded) ?? [] }, found);
    return phrase === undefined ? [] : [[folded, phrase] as const];
  });
  return { phrases: sortedMap(phrases), ...found };
}

export interface BuiltPhrases {
  readonly phrases: Map<string, Phrase>;
  readonly warnings: readonly SystemEvent[];
  readonly faults: readonly RowFault[];
}

interface FoundFaults {
  readonly warnings: SystemEvent[];
  readonly faults: RowFault[];
}

/** The columns that hold phrases, and what a phrase there means. */
const KINDS = [
  { column: "long_phrase", direction: "long", side: null },
  { column: "short_phrase", direction: "short", side: null },
  { column: "exit_phrase", direction: "flat", side: null },
  { column: "long_exit_phrase", direction: "flat", side: "long" },
  { column: "short_exit_phrase", direction: "flat", side: "short" },
] as const;

interface Meaning {
  readonly signal: SignalRow;
  /** Its row, for people. */
  readonly row: string;
  readonly column: (typeof KINDS)[number]["column"];
  readonly direction: Direction;
  /** Of an exit; null: both. */
  readonly side: Side | null;
  readonly phrase: string;
}

/** What a row does by a phrase, as others are told. */
type Doing = Pick<Meaning, "row" | "direction" | "side">;

interface BesidePhrase {
  readonly subscribers: ReadonlyMap<number, readonly number[]>;
  /** Openings by it in rows that cannot be read. */
  readonly unread: readonly Doing[];
}

/** Undefined: it means nothing that can be used. */
function phraseOf(
  meanings: readonly Meaning[],
  { subscribers, unread }: BesidePhrase,
  { warnings, faults }: FoundFaults,
): Phrase | undefined {
  const enabled = meanings.filter(({ signal }) => signal.enabled);
  const isEnabled = enabled.length > 0;
  const counting = isEnabled ? enabled : meanings;
  const openings = counting.filter(({ direction }) => direction !== "flat");
  const exits = counting.filter(({ direction }) => direction === "flat");
  if (isEnabled && openings.length === 0 && unread.length > 0) {
    faults.push(...exits.map((exit) => faultOf("opens", exit, unread)));
    return undefined;
  }
  const used = openings.length > 0 ? openings : exits;
  const signalIds = [...new Set(used.map(({ signal }) => signal.id))];
  const strategyIds = [...new Set(signalIds.flatMap((id) => subscribers.get(id) ?? []))];
  const [first] = used;
  if (first === undefined) throw new Error("a phrase without a signal cannot be built");
  const { phrase, direction, side } = first;
  const isAmbiguous = used.some((other) => other.direction !== direction || other.side !== side);
  if (isEnabled) {
    if (openings.length > 0) faults.push(...exits.map((exit) => faultOf("opens", exit, openings)));
    else if (isAmbiguous)
      faults.push(...exits.map((exit) => faultOf("sides", exit, otherSides(exit, exits))));
    if (isAmbiguous && openings.length > 0) warnings.push(ambiguousPhrase(phrase, signalIds));
    else if (!isAmbiguous && used.length > 1) warnings.push(sharedPhrase(phrase, signalIds));
  }
  return {
    phrase,
    state: isEnabled ? (isAmbiguous ? "ambiguous" : "enabled") : "disabled",
    signal_id: first.signal.id,
    signal_ids: signalIds,
    direction: isAmbiguous ? null : direction,
    ...(isAmbiguous || side === null ? {} : { side }),
    strategy_ids: strategyIds.toSorted((a, b) => a - b),
  };
}

/** Phrases by which rows open that cannot be read and may be enabled. */
function openingsNotRead(
  rows: Pick<ReferenceRows, "signals">,
  raw: Pick<RawReferenceRows, "signals">,
): ReadonlyMap<string, readonly Doing[]> {
  const read = new Set(rows.signals.map(({ id }) => keyText(id)));
  const found = new Map<string, Doing[]>();
  for (const row of raw.signals) {
    const cells = Object(row) as Readonly<Record<string, unknown>>;
    if (cells["enabled"] === false || read.has(keyText(cells["id"]))) continue;
    for (const { column, direction, side } of KINDS) {
      const phrase = cells[column];
      if (direction === "flat" || typeof phrase !== "string") continue;
      const opening = { row: namedId(cells["name"], keyText(cells["id"])), direction, side };
      found.set(foldPhrase(phrase), [...(found.get(foldPhrase(phrase)) ?? []), opening]);
    }
  }
  return found;
}

function subscribersOf(rows: ReferenceRows): Map<number, number[]> {
  const known = new Set(rows.strategies.map(({ id }) => id));
  const subscribers = new Map<number, number[]>();
  for (const { signal_id, strategy_id } of rows.strategy_signals) {
    if (!known.has(strategy_id)) continue;
    subscribers.set(signal_id, [...(subscribers.get(signal_id) ?? []), strategy_id]);
  }
  return subscribers;
}

function otherSides({ side }: Meaning, exits: readonly Meaning[]): readonly Meaning[] {
  return exits.filter((other) => other.side !== side);
}

/** An exit that cannot be used because of what other signals, or others of its own phrases, do by the same phrase. */
function faultOf(rule: "opens" | "sides", exit: Meaning, others: readonly Doing[]): RowFault {
  const { row, column, phrase } = exit;
  const named = others.slice(0, NAMED_MAX).map((other) => `signal ${other.row} ${doing(other)} by it`);
  const more = others.length > NAMED_MAX ? [`${others.length - NAMED_MAX} more`] : [];
  const value = `${valueText(phrase)} (${[...named, ...more].join(", ")})`;
  return rowFault({ table: "signals", row, column, value, rule });
}

function rowOf({ id, name }: SignalRow): string {
  return namedId(name, keyText(id));
}

function doing({ direction, side }: Doing): string {
  if (direction !== "flat") return `opens ${direction}`;
  return side === null ? "closes both sides" : `closes ${side} only`;
}

function sharedPhrase(phrase: string, signalIds: readonly number[]): SystemEvent {
  return {
    level: "WARNING",
    source: SOURCE,
    message: `phrase ${phrase} belongs to signals ${signalIds.join(", ")}; the strategies of all of them are used, under signal ${signalIds[0]}`,
    details: { phrase, signal_ids: signalIds },
  };
}

function ambiguousPhrase(phrase: string, signalIds: readonly number[]): SystemEvent {
  return {
    level: "ERROR",
    source: SOURCE,
    message: `phrase ${phrase} stands for long and for short (signals ${signalIds.join(", ")}); it is not traded until one of these signals is changed or disabled`,
    details: { phrase, signal_ids: signalIds },
    actionNeeded: true,
  };
}

const SOURCE = "refresh-reference";
const NAMED_MAX = 3;
