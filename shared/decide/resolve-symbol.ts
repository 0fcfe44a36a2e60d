import type { Claim } from "../claim.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import { bringsUid, spellingOf, uidOf, type Signal } from "../signal/signal.ts";
import { uidOfDecision, type Meaning } from "./exit-uid.ts";

/**
 * The ticker that a symbol means: its own spelling, an alias, the same without `.P`, or without the prefix of an exchange where the
 * ticker allows that. Undefined when it means none.
 */
export function tickerOf(text: string, symbols: Symbols): string | undefined {
  // Symbols of tickers are trimmed and in upper case, so this is the spelling itself.
  if (symbols.tickers.has(text)) return text;
  const spelling = spellingOf(text);
  return listedAs(spelling, symbols) ?? withoutExchange(spelling, symbols);
}

export type Symbols = Pick<Snapshot, "tickers" | "aliases">;

/** A signal under the symbol of its ticker, and the uids that it claims. */
export interface ResolvedSignal extends Signal {
  /**
   * A second uid that it claims: under the spelling as it was sent, so that a resend is known when that means another ticker by
   * then. Absent where it is the same, and where the signal brings its uid.
   */
  readonly also?: string | undefined;
}

/**
 * The signal with the symbol and the uid that it has in this snapshot; as it is when its ticker is unknown. `loggedUid` is that of
 * an earlier decision on it, which it keeps. The spelling of a ticker costs one look-up.
 */
export function resolveSignal(signal: Signal, symbols: Symbols, loggedUid?: string): ResolvedSignal {
  const { raw, phrase, barTime } = signal;
  const text = raw["symbol"] ?? "";
  if (text === signal.symbol && loggedUid === undefined && symbols.tickers.has(text)) return signal;
  const ticker = tickerOf(text, symbols);
  if (ticker === undefined && loggedUid === undefined) return signal;
  const symbol = ticker ?? signal.symbol;
  if (bringsUid(raw)) return symbol === signal.symbol ? signal : { ...signal, symbol };
  const spelling = spellingOf(text);
  const uidUnder = (name: string): string =>
    name === signal.symbol ? signal.uid : uidOf(name, phrase, barTime);
  const ofTicker = uidUnder(symbol);
  const uid = loggedUid ?? ofTicker;
  // A uid of before is no longer that of the ticker: then the ticker's is the second one, which all its spellings have.
  const also = uid === ofTicker ? (spelling === symbol ? uid : uidUnder(spelling)) : ofTicker;
  return { ...signal, symbol, uid, also: also === uid ? undefined : also };
}

/** What a signal claims when this is the decision on it. */
export function claimOf({ uid, also }: Pick<ResolvedSignal, "uid" | "also">, decision: Meaning): Claim {
  const decided = uidOfDecision(uid, decision);
  return also === undefined ? { uid: decided } : { uid: decided, also: uidOfDecision(also, decision) };
}

/** The uid under which a signal is recorded when it is decided on this snapshot. */
export function uidIn(signal: Signal, snapshot: Symbols & Pick<Snapshot, "subscriptions">): string {
  const { uid } = resolveSignal(signal, snapshot);
  const meaning = snapshot.subscriptions.get(signal.phrase);
  return meaning === undefined ? uid : uidOfDecision(uid, meaning);
}

/** The ticker of a spelling without an exchange. */
export function listedAs(spelling: string, { tickers, aliases }: Symbols): string | undefined {
  if (tickers.has(spelling)) return spelling;
  const meant = aliases.get(spelling);
  if (meant !== undefined || !spelling.endsWith(".P")) return meant;
  const short = spelling.slice(0, -2);
  if (tickers.has(short)) return short;
  const symbol = aliases.get(short);
  // Where a perpetual has a ticker of its own, the `.P` behind an alias must not be lost.
  return symbol !== undefined && tickers.has(`${symbol}.P`) ? `${symbol}.P` : symbol;
}

function withoutExchange(spelling: string, symbols: Symbols): string | undefined {
  const parts = exchangeIn(spelling);
  const symbol = parts === undefined ? undefined : listedAs(parts.symbol, symbols);
  if (parts === undefined || symbol === undefined) return undefined;
  const exchanges = symbols.tickers.get(symbol)?.exchanges ?? [];
  return exchanges === "*" || exchanges.includes(parts.exchange) ? symbol : undefined;
}

/** The parts of a spelling such as `BINANCE:BTCUSDT`; undefined when it has no exchange. */
export function exchangeIn(spelling: string): ExchangeSymbol | undefined {
  const colon = spelling.indexOf(":");
  if (colon < 1) return undefined;
  return { exchange: spelling.slice(0, colon), symbol: spelling.slice(colon + 1) };
}

interface ExchangeSymbol {
  readonly exchange: string;
  readonly symbol: string;
}
