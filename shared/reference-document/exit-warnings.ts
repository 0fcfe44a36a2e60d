import { namedId } from "../reference/row-faults.ts";
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
