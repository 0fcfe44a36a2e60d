import { closest } from "fastest-levenshtein";
import { excerpt, printable } from "../text.ts";
import type { DocumentAlias, DocumentFault } from "./document.ts";
import { keptRows } from "./kept-rows.ts";
import { matchRows } from "./match-rows.ts";
import { effectiveAliases, ownTicker, type KnownTickers } from "./stored-aliases.ts";
import type { StoredAlias } from "./stored-rows.ts";
import { aliasOf } from "./ticker-symbols.ts";
import type { Wanted } from "./wanted-lists.ts";
import type { WantedOptions } from "./wanted-options.ts";

/** The aliases that a document wants. Those that it lacks follow their tickers: renamed with them, and removed with them. */
export function wantedAliases(
  stored: readonly StoredAlias[],
  entries: readonly DocumentAlias[],
  { before, after, moved, tickerPaths, options }: AliasParts,
): Wanted<StoredAlias> {
  const { found: effective, faults: unusable } = effectiveAliases(stored, before);
  const rows = [...effective].map(
    ([
      name,
      {
        rows: [first],
      },
    ]) => ({ name, row: first ?? NEVER }),
  );
  const { found, faults } = matchRows<StoredAlias>({
    what: "alias",
    path: "aliases",
    entries: entries.map(({ alias, was }) => {
      return { key: "alias", name: aliasOf(alias), was: was === undefined ? undefined : aliasOf(was) };
    }),
    rows,
  });
  const ruled: DocumentFault[] = [];
  const wanted = entries.map(({ alias, symbol }, at): StoredAlias => {
    const [name, meant] = [aliasOf(alias), after.symbolOf(symbol)];
    if (!after.symbols.has(meant))
      ruled.push({ path: `aliases[${at}].symbol`, message: noTickerText(symbol, [...after.symbols]) });
    const own = ownTicker(name, after);
    if (own !== undefined)
      ruled.push({
        path: `aliases[${at}].alias`,
        message: `${shown(name)} means ticker ${own} already: choose another alias, or remove it`,
      });
    return sameOr(found[at], { alias: name, symbol: meant }, after);
  });

  const named = new Set(entries.map(({ alias }) => aliasOf(alias)));
  const matched = new Set(found.flatMap((row) => (row === undefined ? [] : [aliasOf(row.alias)])));
  const hasName = ({ alias }: StoredAlias, name: string): boolean => aliasOf(alias) === aliasOf(name);
  const kept = keptRows(stored, found, { kind: "aliases", hasName, options })
    .filter(({ alias }) => !named.has(aliasOf(alias)) && !matched.has(aliasOf(alias)))
    .flatMap((row) => {
      if (unusable.has(row)) return [row];
      const symbol = moved(before.symbolOf(row.symbol));
      if (symbol === undefined) return [];
      const own = ownTicker(aliasOf(row.alias), after);
      if (own !== undefined)
        ruled.push({
          path: tickerPaths.get(own) ?? "aliases",
          message: `${shown(row.alias)} is an alias of ticker ${symbol}: remove the alias first, or leave out the ticker`,
        });
      return [sameOr(row, { alias: row.alias, symbol }, after)];
    });
  return { wanted, kept, faults: [...faults, ...ruled] };
}

interface AliasParts {
  readonly before: KnownTickers;
  readonly after: KnownTickers;
  /** The symbol that a ticker has after the edit; undefined: it is removed. */
  readonly moved: (symbol: string) => string | undefined;
  /** Where the document has each ticker. */
  readonly tickerPaths: ReadonlyMap<string, string>;
  readonly options: WantedOptions;
}

const NEVER: StoredAlias = { alias: "", symbol: "" };

/** Other spellings of the same stay as they are. */
function sameOr(row: StoredAlias | undefined, wanted: StoredAlias, { symbolOf }: KnownTickers): StoredAlias {
  if (row === undefined) return wanted;
  return {
    alias: aliasOf(row.alias) === aliasOf(wanted.alias) ? row.alias : wanted.alias,
    symbol: symbolOf(row.symbol) === wanted.symbol ? row.symbol : wanted.symbol,
  };
}

/** Comparing with many others takes long. */
const COMPARED_MAX = 1_000;

function noTickerText(symbol: string, symbols: readonly string[]): string {
  const near =
    symbols.length === 0 || symbols.length > COMPARED_MAX
      ? ""
      : `did you mean ${shown(closest(excerpt(symbol), symbols))}? Else `;
  return `there is no ticker ${shown(symbol)}: ${near}add it under tickers`;
}

function shown(text: string): string {
  return JSON.stringify(printable(excerpt(text)));
}
