import { describe, expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { resolveSignal } from "../../../shared/decide/resolve-symbol.ts";
import { reasonText } from "../../../shared/reason-text.ts";
import type { Detail } from "../../../shared/signal/signal.ts";
import { contextFrom } from "../../builders.ts";
import { signalOf, snapshotWith } from "./symbols-fixture.ts";

const snapshot = snapshotWith({
  BTCUSDT: { aliases: ["XBT"], exchanges: ["BYBIT"] },
  BTCUSD: {},
  "ETHUSDT.P": {},
  ETHUSDT: {},
});

/** The detail of a signal with this symbol, which the cache has twice. */
function detailOf(symbol: string): Detail {
  const context = contextFrom({ snapshot });
  const signal = resolveSignal(signalOf({ symbol }), snapshot);
  const decision = decide(signal, context);
  expect(decision.reason).toBe("unknown_ticker");
  const cache = new DecisionCache();
  for (let i = 0; i < 2; i += 1) expect(cache.decide(signal, context)).toEqual(decision);
  return decision.detail;
}

const aliasCommand = (alias: string, symbol: string): string =>
  `enter an alias: npm run cli -- reference add alias ${alias} symbol=${symbol}`;

describe("an unknown ticker", () => {
  test("with an exchange that is not dropped says how it would be", () => {
    const detail = detailOf("binance:BTCUSDT");
    expect(detail).toEqual({
      symbol: "BINANCE:BTCUSDT",
      closest_symbol: "BTCUSDT",
      hint: `the exchange prefix BINANCE: is not dropped: give the ticker BTCUSDT \`exchanges\`, or ${aliasCommand("BINANCE:BTCUSDT", "BTCUSDT")}`,
    });
    expect(reasonText("unknown_ticker", detail)).toBe(
      `BINANCE:BTCUSDT is not among the tickers; ${String(detail["hint"])} (unknown_ticker)`,
    );
    expect(detailOf("BINANCE:ETHUSDT.P")["closest_symbol"]).toBe("ETHUSDT.P");
  });

  test.each([
    ["BTC/USDT", "BTCUSDT"],
    ["btc-usdt", "BTCUSDT"],
    ["BTCUSDTPERP", "BTCUSDT"],
    ["BTC-USDT-SWAP", "BTCUSDT"],
    ["OKX:BTC-USDT", "BTCUSDT"],
  ])("that is spelled %s has an alias to enter", (text, symbol) => {
    const { closest_symbol, hint } = detailOf(text);
    expect(closest_symbol).toBe(symbol);
    expect(hint).toBe(`if it is another spelling of ${symbol}, ${aliasCommand(text.toUpperCase(), symbol)}`);
  });

  test("is never part of a command that a shell would read otherwise", () => {
    expect(detailOf("BTC USDT;$(reboot)")).not.toHaveProperty("hint");
    expect(detailOf("$BTC'USDT")["hint"]).toBe("if it is another spelling of BTCUSDT, enter an alias");
  });

  test.each([
    ["XBTUSD", "BTCUSD"],
    ["BTCUDST", "BTCUSDT"],
    ["XB", "XBT"],
    ["COINBASE:ETHUSD", "ETHUSDT"],
  ])("that is misspelled, %s, has the closest one", (text, symbol) => {
    expect(detailOf(text)).toEqual({ symbol: text, closest_symbol: symbol });
  });

  test.each(["SOLEUR", "GOLD", "B".repeat(41), "X:"])("unlike any, %s, has none", (text) => {
    expect(detailOf(text)).toEqual({ symbol: text });
  });

  test("in words", () => {
    expect(reasonText("unknown_ticker", { symbol: "XBTUSD", closest_symbol: "BTCUSD" })).toBe(
      "XBTUSD is not among the tickers; the closest is BTCUSD (unknown_ticker)",
    );
    expect(reasonText("unknown_ticker", { symbol: "GOLD" })).toBe(
      "GOLD is not among the tickers (unknown_ticker)",
    );
  });
});
