import { namedId } from "../reference/row-faults.ts";
import { foldPhrase } from "../signal/signal.ts";
import { printable } from "../text.ts";
import { phraseIn } from "./document-of-rows.ts";
import { PHRASE_FIELDS, type PhraseField } from "./phrase-conflicts.ts";
import type { StoredRows, StoredSignal, StoredStrategy } from "./stored-rows.ts";

/** What is odd about exits in the rows after an edit, and what another program has to know before they come. */
export function exitWarnings(before: StoredRows, after: StoredRows): readonly string[] {
  const { signals, strategies, strategy_signals: links } = after;
  const wasExits = new Set(before.strategies.flatMap(({ id, exits }) => (exits ? [id] : [])));
  const taking = new Set(strategies.flatMap(({ id, exits }) => (exits ? [id] : [])));
  const exitSignals = new Set(signals.flatMap((signal) => (hasExit(signal) ? [signal.id] : [])));
  const given = links.filter(({ signal_id: id }) => exitSignals.has(id));
  const withExits = new Set(given.map(({ strategy_id: id }) => id));
  const subscribed = new Set(given.map(({ signal_id: id }) => id));
  const taken = new Set(given.flatMap((link) => (taking.has(link.strategy_id) ? [link.signal_id] : [])));
  return [
    ...lostExits(before, after),
    ...strategies.flatMap((strategy) => {
      const { id, handler } = strategy;
      if (!taking.has(id)) return [];
      return [
        ...(withExits.has(id)
          ? []
          : [`${label(strategy)} takes exits, and none of its signals has an exit phrase`]),
        ...(wasExits.has(id) || !OUTSIDE.has(handler)
          ? []
          : [
              `${label(strategy)} takes exits, and its tasks go to another program (handler ${handler}): make sure first that it knows the direction flat, which is to close`,
            ]),
      ];
    }),
    ...signals.flatMap(({ id, name }) =>
      subscribed.has(id) && !taken.has(id)
        ? [
            `signal ${namedId(name, `${id}`)} has an exit phrase, and none of its strategies takes exits (exits: true): they are ignored as exits_not_taken`,
          ]
        : [],
    ),
  ];
}

/** Exits that strategies no longer get, such as by a file of the time before exits, whose rows have none. */
function lostExits(before: StoredRows, after: StoredRows): string[] {
  const [was, is] = [exitsByStrategy(before), exitsByStrategy(after)];
  return after.strategies.flatMap((strategy) => {
    const exits = is.get(strategy.id);
    const lost = [...(was.get(strategy.id) ?? [])].flatMap(([key, text]) =>
      exits?.has(key) === true ? [] : [text],
    );
    if (!isActive(strategy) || lost.length === 0) return [];
    return [
      `${label(strategy)} no longer gets exits by ${[...new Set(lost)].join(", ")}: nothing closes by them what it has opened`,
    ];
  });
}

/** Of each strategy that gets exits, their phrases with the sides that they close: as compared, and as shown. */
function exitsByStrategy(rows: StoredRows): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const bySignal = new Map(rows.signals.map((signal) => [signal.id, exitsOf(signal)]));
  const taking = new Set(rows.strategies.flatMap((one) => (one.exits && isActive(one) ? [one.id] : [])));
  const found = new Map<number, Map<string, string>>();
  for (const { strategy_id: id, signal_id } of rows.strategy_signals) {
    if (!taking.has(id)) continue;
    found.set(id, new Map([...(found.get(id) ?? []), ...(bySignal.get(signal_id) ?? [])]));
  }
  return found;
}

function exitsOf(signal: StoredSignal): (readonly [key: string, text: string])[] {
  if (!signal.enabled) return [];
  const fields = Object.entries(PHRASE_FIELDS) as [PhraseField, (typeof PHRASE_FIELDS)[PhraseField]][];
  return fields.flatMap(([field, { direction, side }]) => {
    const phrase = phraseIn(signal[field]);
    if (direction !== "flat" || phrase === null) return [];
    // An exit of both sides is one of each.
    const sides = side === null ? ["long", "short"] : [side];
    return sides.map((one) => [`${one} ${foldPhrase(phrase)}`, `${printable(phrase)} (${one})`] as const);
  });
}

function isActive({ enabled, archived, shadow }: StoredStrategy): boolean {
  return enabled && !archived && !shadow;
}

/** Handlers whose tasks are done by programs that may know two directions only. */
const OUTSIDE: ReadonlySet<string> = new Set(["none", "stream", "webhook"]);

function hasExit(signal: StoredSignal): boolean {
  const fields = Object.entries(PHRASE_FIELDS) as [PhraseField, { readonly direction: string }][];
  return (
    signal.enabled &&
    fields.some(([field, { direction }]) => direction === "flat" && phraseIn(signal[field]) !== null)
  );
}

function label({ id, name }: StoredStrategy): string {
  return `strategy ${namedId(name, `${id}`)}`;
}
