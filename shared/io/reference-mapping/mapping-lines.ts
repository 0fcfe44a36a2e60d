import { readRows } from "../../reference/read-rows.ts";
import type { RawReferenceRows, ReferenceRows, StrategyRow } from "../../reference/reference.ts";
import { keyText, namedId, rowFaultText, valueText } from "../../reference/row-faults.ts";
import { tickerSymbols } from "../../reference/ticker-symbols.ts";
import { firstOf, listed } from "./listed.ts";
import type { OldRow, OldRows } from "./old-rows.ts";
import type { OldSystem } from "./old-systems.ts";
import type { OldTable, OldTables } from "./old-tables.ts";
import { isActive, phraseLines } from "./phrase-lines.ts";
import { oldRoleLines } from "./role-lines.ts";

/** What a mapping finds in the old system's rows, and what the router makes of them, in sentences for people. */

export interface MappingFacts {
  readonly of: OldSystem;
  readonly tables: OldTables;
  readonly old: OldRows;
  /** The rows that the views give. */
  readonly raw: RawReferenceRows;
}

export function mappingLines({ of, tables, old, raw }: MappingFacts): string[] {
  const { rows: unsorted, faults } = readRows(raw);
  const byId = (a: { readonly id: number }, b: { readonly id: number }): number => a.id - b.id;
  const rows: ReferenceRows = {
    ...unsorted,
    signals: unsorted.signals.toSorted(byId),
    strategies: unsorted.strategies.toSorted(byId),
  };
  const found = Object.entries(tables) as [keyof OldTables, OldTable][];
  const counts = found.map(([table, { name }]) => `${old[table].length} in ${name}`).join(", ");
  const changedNames = [
    ...renamed("strategy", old.strategies, of.system === "v4" ? "human_name" : "name", raw.strategies),
    ...renamed("signal", old.signals, "name", raw.signals),
  ];
  return [
    `The reference of ${of.system} in schema ${of.source}`,
    ...indented([`rows: ${counts}`, ...found.flatMap(([, { missing }]) => missing)]),
    ...section(`Values that cannot be used: ${faults.length}`, firstOf(faults.map(rowFaultText))),
    ...tickerLines(old, rows),
    ...strategyLines(of, old, rows),
    ...section("Phrases that reach other strategies than before", phraseLines(rows)),
    ...(of.system === "v2" ? section("What v2 leaves to its workers", oldRoleLines(old, rows)) : []),
    ...section("Names that are empty or not unique", firstOf(changedNames)),
    ...section("Lower case", [
      "a phrase or symbol in lower case, for which the old router dropped signals, is decided like any other",
    ]),
  ];
}

/** A heading with what belongs to it; nothing when nothing does. */
function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", heading, ...indented(lines)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function tickerLines(old: OldRows, { tickers }: ReferenceRows): string[] {
  const tradable = tickers.filter(
    ({ status, trade_permission }) => status === "enabled" && trade_permission === "enabled",
  );
  const symbols = new Set(tradable.map(({ symbol }) => symbol));
  const off = old.tickers.filter(({ symbol }) => !symbols.has(String(symbol)));
  const inactive = old.tickers.filter(
    ({ symbol, is_active }) => is_active === false && symbols.has(String(symbol)),
  );
  const { keyOf } = tickerSymbols({ tickers });
  const respelled = tradable.filter(({ symbol }) => keyOf(symbol) !== symbol);
  return [
    "",
    `Tickers: ${tradable.length} of ${old.tickers.length} may be traded`,
    ...indented([
      ...item("off", off.map(tickerText)),
      ...item(
        "with is_active false, and traded all the same, since the old router looked at status and tradepermission only",
        inactive.map(({ symbol }) => String(symbol)),
      ),
      ...item(
        "in another spelling, for which the old router dropped signals",
        respelled.map(({ symbol }) => `${symbol}, now ${keyOf(symbol)}`),
      ),
    ]),
  ];
}

function tickerText({ symbol, status, tradepermission }: OldRow): string {
  const parts = Object.entries({ status, tradepermission }).filter(([, value]) => value !== "enabled");
  const why = parts.map(([column, value]) => `${column} ${valueText(value)}`);
  return `${symbol === null ? "one without symbol" : keyText(symbol)}${why.length === 0 ? "" : ` (${why.join(", ")})`}`;
}

function strategyLines({ system }: OldSystem, old: OldRows, rows: ReferenceRows): string[] {
  const before = new Map(old.strategies.map((row) => [String(row["id"]), row]));
  const signals = new Set(rows.signals.flatMap(({ id, enabled }) => (enabled ? [id] : [])));
  const subscribed = new Set(
    rows.strategy_signals.flatMap(({ strategy_id, signal_id }) =>
      signals.has(signal_id) ? [strategy_id] : [],
    ),
  );
  const withTickers = new Set(rows.strategy_tickers.map(({ strategy_id }) => strategy_id));
  const { strategies } = rows;
  const active = strategies.filter((strategy) => isActive(strategy) && subscribed.has(strategy.id));
  /** Those of a kind, with a note where NULL in one of the columns is the reason. */
  const those = (columns: readonly string[], is: (strategy: StrategyRow) => boolean): string[] =>
    strategies.filter(is).map(({ id, name }) => {
      const nulls = columns.filter((column) => before.get(String(id))?.[column] === null);
      return `${namedId(name, String(id))}${nulls.length === 0 ? "" : `, ${nulls.join(" and ")} NULL`}`;
    });
  return [
    "",
    `Strategies: ${active.length} of ${old.strategies.length} may get signals`,
    ...indented([
      ...item(
        "disabled",
        those(["enabled"], ({ enabled }) => !enabled),
        "; ",
      ),
      ...item(
        "archived",
        those(["archived"], ({ archived }) => archived),
        "; ",
      ),
      ...item(
        "may neither open nor reverse: every signal is ignored for them (open_not_allowed)",
        those(
          system === "v4" ? ["allow_open", "reverse"] : ["allow_open"],
          ({ allow_open, reverse }) => !allow_open && !reverse,
        ),
        "; ",
      ),
      ...item(
        "have no signal that is enabled",
        those([], ({ id }) => !subscribed.has(id)),
        "; ",
      ),
      ...item(
        "limited to their own tickers, and have none: every signal is ignored for them (ticker_not_allowed)",
        those(["use_all_tickers"], ({ id, use_all_tickers }) => !use_all_tickers && !withTickers.has(id)),
        "; ",
      ),
    ]),
  ];
}

/** Which rows have another name in the router, since theirs is empty or not unique. */
function renamed(
  what: "strategy" | "signal",
  old: readonly OldRow[],
  column: string,
  mapped: readonly unknown[],
): string[] {
  const names = new Map(mapped.map((row) => [String(Object(row).id), String(Object(row).name)]));
  return old.flatMap((row) => {
    const id = String(row["id"]);
    const name = names.get(id);
    const before = row[column];
    return typeof before === "string" && before.trim() === name
      ? []
      : [`${what} ${id}: ${column} is ${valueText(before ?? null)}, here it is named ${name}`];
  });
}

function item(what: string, items: readonly string[], between = ", "): string[] {
  return items.length === 0 ? [] : [`${what}: ${listed(items, between)}`];
}
