import type { Snapshot } from "../reference/snapshot.ts";
import { spellingOf, type Detail, type Signal } from "../signal/signal.ts";
import { excerpt } from "../text.ts";
import { closestText } from "./closest-phrase.ts";
import { exchangeIn, listedAs } from "./resolve-symbol.ts";

/** What helps with a symbol that means no ticker: the closest known one, and what to enter where it is another spelling of that. */
export function unknownTickerDetail(signal: Pick<Signal, "symbol" | "raw">, snapshot: Snapshot): Detail {
  const symbol = excerpt(signal.symbol);
  const spelling = spellingOf(signal.raw["symbol"] ?? signal.symbol);
  if (spelling.length > SYMBOL_LENGTH_MAX) return { symbol };
  const parts = exchangeIn(spelling);
  const bare = parts?.symbol ?? spelling;
  const behindExchange = parts && listedAs(bare, snapshot);
  if (parts !== undefined && behindExchange !== undefined) {
    const exchange = `the exchange prefix ${parts.exchange}: is not dropped`;
    const hint = `${exchange}: give the ticker ${behindExchange} \`exchanges\`, or ${aliasHint(spelling, behindExchange)}`;
    return { symbol, closest_symbol: behindExchange, hint };
  }
  const same = listedAs(plain(bare), snapshot);
  if (same !== undefined) {
    const hint = `if it is another spelling of ${same}, ${aliasHint(spelling, same)}`;
    return { symbol, closest_symbol: same, hint };
  }
  const closest = closestText(bare, snapshot.symbolsByLength, SHARE_CHANGED_MAX);
  return closest === undefined ? { symbol } : { symbol, closest_symbol: closest };
}

/** The symbol alone, where no person reads the detail. */
export function symbolDetail({ symbol }: Pick<Signal, "symbol">): Detail {
  return { symbol: excerpt(symbol) };
}

/** Longer symbols are not compared. With 500 known ones of 7 characters it took 0.1 ms. */
const SYMBOL_LENGTH_MAX = 40;
/** Other pairs of the same currency differ in half of their characters. */
const SHARE_CHANGED_MAX = 1 / 3;

/** What may stand in a command that is pasted into a shell: the symbol is the sender's. */
const PASTABLE = /^[\w:/.-]+$/;

function aliasHint(alias: string, symbol: string): string {
  if (!PASTABLE.test(alias) || !PASTABLE.test(symbol)) return "enter an alias";
  return `enter an alias: npm run cli -- reference add alias ${alias} symbol=${symbol}`;
}

/** `BTC/USDT`, `BTC-USDT` and `BTCUSDTPERP` without what senders add to `BTCUSDT`. */
function plain(symbol: string): string {
  return symbol.replaceAll(/[^A-Z0-9]/g, "").replace(/(?:PERP|SWAP)$/, "");
}
