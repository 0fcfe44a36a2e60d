import { normaliseSymbol } from "../signal/signal.ts";

/**
 * How documents and rows name tickers. `X.P` is a ticker of its own only where `X` is listed beside it; else both are one ticker, `X`.
 */

/** Finds the symbol of the ticker that a text means among those that are listed. */
export type SymbolOf = (text: string) => string;

export function symbolsAmong(listed: Iterable<string>): SymbolOf {
  const spellings = new Set(Array.from(listed, spellingOf));
  return (text) => {
    const [short, spelling] = [shortOf(text), spellingOf(text)];
    return spelling !== short && spellings.has(short) && spellings.has(spelling) ? spelling : short;
  };
}

/** Trimmed and in upper case, with its `.P`, of which several are one. */
export function spellingOf(text: string): string {
  return text.trim().toUpperCase().endsWith(".P") ? `${shortOf(text)}.P` : shortOf(text);
}

/** The same without `.P`. */
export function shortOf(text: string): string {
  const symbol = normaliseSymbol(text);
  return symbol === text ? symbol : shortOf(symbol);
}

/** The other one of `X` and `X.P`. */
export function otherSpelling(spelling: string): string {
  const short = shortOf(spelling);
  return short === spelling ? `${short}.P` : short;
}

/** Whether decisions know a stored symbol as documents do; no document can express others. */
export function isSymbol(stored: string): boolean {
  return shortOf(stored) !== "" && spellingOf(stored) === stored.trim().toUpperCase();
}

/** An alias as it is compared: it keeps its `.P`. */
export function aliasOf(text: string): string {
  return text.trim().toUpperCase();
}
