import type { Entry, Fields } from "../../shared/entry.ts";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { tickerRow } from "../builders.ts";
import type { LogRow } from "./facts.ts";
import type { Random } from "./random.ts";

/** Other spellings of symbols, whose meaning changes while signals stream, and what signals claim under them. */

type Some<Value> = readonly [Value, ...Value[]];

const ALIASES: Some<ReferenceRows["ticker_aliases"][number]> = [
  { alias: "XBT", symbol: "BTCUSDT" },
  { alias: "ETHPERP", symbol: "ETHUSDT" },
];

const SPELLINGS: Readonly<Record<string, Some<string>>> = {
  BTCUSDT: ["XBT", "xbt.p", "BINANCE:BTCUSDT", "BTCUSDT.P", "BTCUSDT"],
  ETHUSDT: ["ETHPERP", "BINANCE:ETHUSDT", "ethusdt.P", "ETHUSDT"],
};

/** The rows with aliases, and with tickers that allow an exchange. */
export function withSpellings(rows: ReferenceRows): ReferenceRows {
  const tickers = rows.tickers.map((row) => ({ ...row, exchanges: ["BINANCE"] }));
  return { ...rows, tickers, ticker_aliases: [...ALIASES] };
}

/** The rows in which one spelling has another meaning, or none. */
export function withAnotherMeaning(rows: ReferenceRows, random: Random): ReferenceRows {
  switch (random.below(4)) {
    case 0: {
      const removed = random.pick(ALIASES).alias;
      return { ...rows, ticker_aliases: rows.ticker_aliases.filter(({ alias }) => alias !== removed) };
    }
    case 1: {
      const moved = random.pick(ALIASES).alias;
      const to = moved === "XBT" ? "ETHUSDT" : "BTCUSDT";
      return {
        ...rows,
        ticker_aliases: rows.ticker_aliases.map((row) =>
          row.alias === moved ? { ...row, symbol: to } : row,
        ),
      };
    }
    case 2: {
      const tickers = rows.tickers.map((row) => ({ ...row, exchanges: null }));
      return { ...rows, tickers };
    }
    default: {
      const listed = rows.tickers.some(({ symbol }) => symbol === "BTCUSDT.P");
      return listed ? rows : { ...rows, tickers: [...rows.tickers, tickerRow("BTCUSDT.P")] };
    }
  }
}

/** The signal, now and then with another spelling of its symbol. */
export function respelled<Value>(
  fields: Record<string, string | Value>,
  random: Random,
): Record<string, string | Value> {
  const symbol = fields["symbol"];
  const spellings = typeof symbol === "string" ? SPELLINGS[symbol] : undefined;
  if (spellings === undefined || random.below(2) === 0) return fields;
  return { ...fields, symbol: random.pick(spellings) };
}

/** What a signal claims, by the producer's fields and the symbol that was recorded: its given uid, or its ticker and its spelling. */
export function claimsOf({ fields }: Pick<Entry, "fields">, row: Pick<LogRow, "symbol">): readonly string[] {
  const given = (fields["uid"] ?? "").trim();
  const kind = exitKind(fields);
  if (given !== "") return [`${given}${kind}`];
  const { message = "", symbol = "", bar_time = "", time = "" } = fields;
  const bar = bar_time === "" ? Number(time) * 1000 : Date.parse(bar_time);
  return [row.symbol ?? "", symbol.trim().toUpperCase()].map(
    (name) => `${JSON.stringify([name, message.trim().toUpperCase(), bar])}${kind}`,
  );
}

/** By the producer's phrases; the exit of an opening that has the same uid is another signal. */
function exitKind({ message = "" }: Fields): string {
  const [exit, side = "FLAT"] = /_EXIT(?:_(LONG|SHORT))?$/.exec(message.trim().toUpperCase()) ?? [];
  return exit === undefined ? "" : `:${side.toLowerCase()}`;
}
