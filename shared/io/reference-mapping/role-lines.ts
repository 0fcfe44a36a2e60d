import type { ReferenceRows } from "../../reference/reference.ts";
import { namedId } from "../../reference/row-faults.ts";
import { listed } from "./listed.ts";
import type { OldRows } from "./old-rows.ts";
import { isActive } from "./phrase-lines.ts";

/** What v2 leaves to its workers: roles of signals, a strategy's own tickers, reversing. */
export function oldRoleLines(old: OldRows, { signals, strategies }: ReferenceRows): string[] {
  const byId = new Map(strategies.map((strategy) => [strategy.id, strategy]));
  const label = (id: unknown): string => namedId(byId.get(Number(id))?.name, String(id));
  const exits = signals.flatMap(({ id, name, long_phrase, short_phrase }) => {
    const links = old.strategy_signals.filter(
      ({ signal_id, strategy_id, role }) =>
        Number(signal_id) === id && strategy_id !== null && typeof role === "string" && role !== "action",
    );
    if (links.length === 0) return [];
    const phrases = [long_phrase, short_phrase].filter((phrase) => phrase !== null).join(" and ");
    const whose = links.map(({ strategy_id, role }) => `${String(role)} for ${label(strategy_id)}`);
    return [
      `signal ${namedId(name, String(id))}, with ${phrases === "" ? "no phrase" : phrases}, has the role ${listed(whose)}: it is handed on as a signal to open, as before`,
    ];
  });
  const of = (column: string, value: boolean): string[] =>
    old.strategies.filter((row) => row[column] === value).map(({ id }) => label(id));
  const limited = of("use_all_tickers", false);
  const reversing = old.strategies
    .filter(({ id, reverse }) => {
      const strategy = byId.get(Number(id));
      return reverse === true && strategy !== undefined && !isActive(strategy) && !strategy.allow_open;
    })
    .map(({ id }) => label(id));
  return [
    ...exits,
    ...(limited.length === 0
      ? []
      : [
          `use_all_tickers is false, and they get signals of all tickers, as before; their workers pick: ${listed(limited)}`,
        ]),
    ...(reversing.length === 0
      ? []
      : [
          `reverse is true and allow_open is not, and they get nothing, since v2's reverse is no permission here: ${listed(reversing)}`,
        ]),
  ];
}
