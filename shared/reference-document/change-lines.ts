import { canonicalJson } from "../reference/reference-text.ts";
import { namedId } from "../reference/row-faults.ts";
import { printable } from "../text.ts";
import { paramChanges, type Addresses, type AddressesIn } from "./shown-params.ts";
import type { StoredAlias, StoredRows, StoredStrategy } from "./stored-rows.ts";
import { diffNamedRows, type TableDiff } from "./table-diff.ts";

/** What differs between two states of the tables, as lines for people: one for each row, with old and new values. */
export function changeLines(
  before: StoredRows,
  after: StoredRows,
  { addressesIn = () => [] }: ChangeLinesOptions = {},
): readonly string[] {
  const { tickers, signals, strategies, ...own } = diffNamedRows(before, after);
  return [
    ...rowLines(tickers, { labelOf: ({ symbol }) => `ticker ${printable(symbol)}`, changesOf: plainChanges }),
    ...rowLines(signals, { labelOf: ({ id, name }) => label("signal", id, name), changesOf: plainChanges }),
    ...strategyLines(strategies, { before, after, addressesIn }),
    ...rowLines(own.ticker_aliases, { labelOf: aliasLabel, changesOf: plainChanges }),
    ...rowLines(own.webhook_sources, {
      labelOf: ({ name }) => `source ${printable(name)}`,
      changesOf: plainChanges,
    }),
  ];
}

export interface ChangeLinesOptions {
  /** Default: only texts that look like URLs are taken for addresses. */
  readonly addressesIn?: AddressesIn;
}

interface Words<Row> {
  readonly labelOf: (row: Row) => string;
  readonly changesOf: (before: Row, after: Row) => readonly string[];
}

function rowLines<Row>({ inserted, updated, deleted }: TableDiff<Row>, words: Words<Row>): string[] {
  const { labelOf, changesOf } = words;
  return [
    ...inserted.map((row) => `${labelOf(row)}: added`),
    ...updated.map(({ before, after }) => `${labelOf(after)}: ${changesOf(before, after).join(", ")}`),
    ...deleted.map((row) => `${labelOf(row)}: removed`),
  ];
}

function label(what: string, id: number, name: string): string {
  return `${what} ${namedId(printable(name), `${id}`)}`;
}

export function aliasLabel({ alias, symbol }: StoredAlias): string {
  return `alias ${printable(alias)} of ticker ${printable(symbol)}`;
}

interface States {
  readonly before: StoredRows;
  readonly after: StoredRows;
  readonly addressesIn: AddressesIn;
}

function strategyLines(found: TableDiff<StoredStrategy>, { before, after, addressesIn }: States): string[] {
  const labelOf = ({ id, name }: StoredStrategy): string => label("strategy", id, name);
  // A signal that is renamed has its new name in both.
  const named = [...before.signals, ...after.signals].map(({ id, name }) => [id, name] as const);
  const names = new Map(named.map(([id, name]) => [id, namedId(printable(name), `${id}`)]));
  const lists = [listsOf(before, names), listsOf(after, names)] as const;
  const changesOf = (was: StoredStrategy, is: StoredStrategy): string[] => [
    ...cellChanges(was, is, new Set([...addressesIn(was), ...addressesIn(is)])),
    ...listChanges("signals", ...pair(lists, "signals", is.id)),
    ...(is.use_all_tickers || was.use_all_tickers
      ? []
      : listChanges("tickers", ...pair(lists, "tickers", is.id))),
  ];
  const changed = new Set(found.updated.map(({ after: { id } }) => id));
  const wasById = new Map(before.strategies.map((row) => [row.id, row]));
  // A strategy of which only a list differs has the same row.
  const others = after.strategies.flatMap((is) => {
    const was = wasById.get(is.id);
    if (was === undefined || changed.has(is.id)) return [];
    const changes = changesOf(was, is);
    return changes.length === 0 ? [] : [`${labelOf(is)}: ${changes.join(", ")}`];
  });
  return [...rowLines(found, { labelOf, changesOf }), ...others];
}

interface Lists {
  readonly signals: ReadonlyMap<number, readonly string[]>;
  readonly tickers: ReadonlyMap<number, readonly string[]>;
}

/** By id of the strategy. */
function listsOf(
  { strategy_signals: links, strategy_tickers: rows }: StoredRows,
  names: ReadonlyMap<number, string>,
): Lists {
  return {
    signals: grouped(
      links.map((link) => [link.strategy_id, names.get(link.signal_id) ?? `${link.signal_id}`]),
    ),
    tickers: grouped(rows.map((row) => [row.strategy_id, printable(row.symbol)])),
  };
}

function grouped(pairs: readonly (readonly [number, string])[]): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const [id, text] of pairs) {
    const texts = found.get(id);
    if (texts === undefined) found.set(id, [text]);
    else texts.push(text);
  }
  return found;
}

function pair(
  [before, after]: readonly [Lists, Lists],
  which: keyof Lists,
  id: number,
): readonly [was: readonly string[], is: readonly string[]] {
  return [before[which].get(id) ?? [], after[which].get(id) ?? []];
}

function listChanges(name: string, was: readonly string[], is: readonly string[]): string[] {
  const [before, after] = [new Set(was), new Set(is)];
  const added = is.filter((one) => !before.has(one));
  const removed = was.filter((one) => !after.has(one));
  return [
    ...(added.length === 0 ? [] : [`${name} added: ${added.join(", ")}`]),
    ...(removed.length === 0 ? [] : [`${name} removed: ${removed.join(", ")}`]),
  ];
}

function cellChanges(before: object, after: object, marked: Addresses): string[] {
  const old: Readonly<Record<string, unknown>> = { ...before };
  return Object.entries(after).flatMap(([column, value]: [string, unknown]) => {
    if (canonicalJson(old[column]) === canonicalJson(value)) return [];
    if (column === "params") return paramChanges(old[column], value, marked);
    if (column === "template") return paramChanges(old[column], value, marked, column);
    if (column === "name") return [`renamed from ${printable(String(old[column]))}`];
    return [`${column} ${cell(old[column])} → ${cell(value)}`];
  });
}

/** Of rows without params. */
function plainChanges(before: object, after: object): string[] {
  return cellChanges(before, after, NONE);
}

const NONE: Addresses = new Set();

function cell(value: unknown): string {
  return value === null ? "none" : printable(JSON.stringify(value));
}
