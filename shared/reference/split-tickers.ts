import type { ReferenceContent, Strategy } from "./reference.ts";
import { namedId } from "./row-faults.ts";

/** X and X.P as two tickers, with the strategies whose lists name only one of them. */
export interface SplitTicker {
  readonly symbol: string;
  readonly perpetual: string;
  /** Names and ids. */
  readonly onlySymbol: readonly string[];
  readonly onlyPerpetual: readonly string[];
}

/** The tickers that are two in this content. Strategies that are archived do not count: they get nothing. */
export function splitTickers({ tickers, strategies }: Content): readonly SplitTicker[] {
  const limited = [...strategies.values()].flatMap(({ id, name, archived, symbols }) =>
    archived || symbols === null ? [] : [{ label: namedId(name, String(id)), symbols: new Set(symbols) }],
  );
  return [...tickers.keys()].flatMap((symbol) => {
    const perpetual = `${symbol}.P`;
    if (!tickers.has(perpetual)) return [];
    const only = (one: string, other: string): string[] =>
      limited.filter(({ symbols }) => symbols.has(one) && !symbols.has(other)).map(({ label }) => label);
    return [
      { symbol, perpetual, onlySymbol: only(symbol, perpetual), onlyPerpetual: only(perpetual, symbol) },
    ];
  });
}

/** Of a reference's content, or of a snapshot. */
type Content = Pick<ReferenceContent, "tickers"> & {
  readonly strategies: ReadonlyMap<
    number,
    Pick<Strategy, "id" | "name" | "archived"> & { readonly symbols: Iterable<string> | null }
  >;
};

/** Those that were not two before; all of them when nothing is known of before. */
export function newlySplit(
  splits: readonly SplitTicker[],
  before: Pick<ReferenceContent, "tickers"> | undefined,
): readonly SplitTicker[] {
  return splits.filter(
    ({ symbol, perpetual }) => before?.tickers.has(symbol) !== true || !before.tickers.has(perpetual),
  );
}

/** What that means for signals and strategies, in sentences for people. */
export function splitTickerText({ symbol, perpetual, onlySymbol, onlyPerpetual }: SplitTicker): string {
  const lines = [
    `${symbol} and ${perpetual} are both listed, so they are two tickers: a signal for ${perpetual} is not one for ${symbol}`,
    ...missing(onlySymbol, symbol, perpetual),
    ...missing(onlyPerpetual, perpetual, symbol),
  ];
  const remedy = concernsStrategies({ onlySymbol, onlyPerpetual })
    ? ". List both where both are meant, or delete the ticker that is not one of its own"
    : "";
  return `${lines.join(". ")}${remedy}`;
}

/** Whether a strategy gets less than it would get if they were one. */
export function concernsStrategies({
  onlySymbol,
  onlyPerpetual,
}: Pick<SplitTicker, "onlySymbol" | "onlyPerpetual">): boolean {
  return onlySymbol.length + onlyPerpetual.length > 0;
}

function missing(strategies: readonly string[], listed: string, other: string): string[] {
  if (strategies.length === 0) return [];
  const more = strategies.length > NAMED_MAX ? ` and ${strategies.length - NAMED_MAX} more` : "";
  const named = `${strategies.slice(0, NAMED_MAX).join(", ")}${more}`;
  return [`These strategies list ${listed} alone, so they get no signal for ${other}: ${named}`];
}

const NAMED_MAX = 10;
