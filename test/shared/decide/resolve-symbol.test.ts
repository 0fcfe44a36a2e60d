import { describe, expect, test } from "vitest";
import { resolveSignal, tickerOf, uidIn } from "../../../shared/decide/resolve-symbol.ts";
import { uidOf } from "../../../shared/signal/signal.ts";
import { NOW } from "../../builders.ts";
import { signalOf, snapshotWith } from "./symbols-fixture.ts";

const snapshot = snapshotWith({
  BTCUSDT: { aliases: ["XBTUSD", "BTC/USDT", "KRAKEN:XBT"], exchanges: ["BINANCE", "BYBIT"] },
  "BTCUSDT.P": { aliases: ["BTCUSDTPERP"], exchanges: ["BINANCE"] },
  ETHUSDT: { aliases: ["ETH-USDT"], exchanges: "*" },
  ABC: {},
  "NYSE:XYZ": {},
});

describe("the ticker of a symbol", () => {
  test.each([
    ["a ticker's symbol", "BTCUSDT", "BTCUSDT"],
    ["in lower case, with spaces", "  ethusdt ", "ETHUSDT"],
    ["an alias", "xbtusd", "BTCUSDT"],
    ["an alias with a slash", "BTC/USDT", "BTCUSDT"],
    ["a perpetual that is a ticker of its own", "btcusdt.p", "BTCUSDT.P"],
    ["a perpetual that is no ticker of its own", "ETHUSDT.P", "ETHUSDT"],
    ["an alias of a perpetual", "BTCUSDTPERP", "BTCUSDT.P"],
    ["an alias with .P of what has a perpetual", "XBTUSD.P", "BTCUSDT.P"],
    ["an alias with .P of what has none", "ETH-USDT.P", "ETHUSDT"],
    ["an exchange that the ticker has", "BINANCE:BTCUSDT", "BTCUSDT"],
    ["another one that it has", "bybit:btcusdt", "BTCUSDT"],
    ["an exchange that only the spot ticker has", "BYBIT:BTCUSDT.P", undefined],
    ["an exchange of the perpetual", "BINANCE:BTCUSDT.P", "BTCUSDT.P"],
    ["an exchange that it lacks", "KRAKEN:BTCUSDT", undefined],
    ["an exchange before an alias", "BINANCE:XBTUSD", "BTCUSDT"],
    ["an alias with an exchange", "KRAKEN:XBT", "BTCUSDT"],
    ["any exchange", "COINBASE:ETHUSDT.P", "ETHUSDT"],
    ["no exchange before the colon", ":ETHUSDT", undefined],
    ["nothing behind it", "BINANCE:", undefined],
    ["two exchanges", "X:BINANCE:ETHUSDT", undefined],
    ["an exchange of a ticker without exchanges", "LSE:ABC", undefined],
    ["a ticker whose symbol has an exchange", "NYSE:XYZ", "NYSE:XYZ"],
    ["that without it", "XYZ", undefined],
    ["an unknown one", "SOLUSDT", undefined],
    ["nothing", "", undefined],
  ])("%s: %s", (_what, text, symbol) => {
    expect(tickerOf(text, snapshot)).toBe(symbol);
  });
});

describe("a signal", () => {
  const uid = (symbol: string): string => uidOf(symbol, "signal_1_long", NOW - 60_000);

  test("with the symbol of a ticker is not made anew", () => {
    const signal = signalOf({ symbol: "BTCUSDT" });
    expect(resolveSignal(signal, snapshot)).toBe(signal);
  });

  test.each([
    ["BTCUSDT", { symbol: "BTCUSDT", uid: uid("BTCUSDT") }],
    [" ethusdt", { symbol: "ETHUSDT", uid: uid("ETHUSDT") }],
    ["ETHUSDT.P", { symbol: "ETHUSDT", uid: uid("ETHUSDT"), also: uid("ETHUSDT.P") }],
    ["BTCUSDT.P", { symbol: "BTCUSDT.P", uid: uid("BTCUSDT.P") }],
    ["xbtusd", { symbol: "BTCUSDT", uid: uid("BTCUSDT"), also: uid("XBTUSD") }],
    ["BINANCE:BTCUSDT", { symbol: "BTCUSDT", uid: uid("BTCUSDT"), also: uid("BINANCE:BTCUSDT") }],
  ])("%s claims the uid of its ticker and that of its spelling", (symbol, expected) => {
    const { also, ...resolved } = resolveSignal(signalOf({ symbol }), snapshot);
    expect({ ...resolved, also }).toMatchObject({ also: undefined, ...expected });
  });

  test("of an unknown ticker stays as it is, also in the log", () => {
    const signal = signalOf({ symbol: "sol.p" });
    expect(resolveSignal(signal, snapshot)).toBe(signal);
    expect(signal).toMatchObject({ symbol: "SOL", uid: uid("SOL") });
    expect(resolveSignal(signal, snapshot, "logged")).toMatchObject({ symbol: "SOL", uid: "logged" });
  });

  test("that brings its uid has this one only", () => {
    const resolved = resolveSignal(signalOf({ symbol: "xbtusd", uid: "mine" }), snapshot);
    expect(resolved).toMatchObject({ symbol: "BTCUSDT", uid: "mine" });
    expect(resolved.also).toBeUndefined();
  });

  test("keeps the uid that the log has, and claims that of its ticker with it", () => {
    const logged = uid("OLD");
    expect(resolveSignal(signalOf({ symbol: "xbtusd" }), snapshot, logged)).toMatchObject({
      symbol: "BTCUSDT",
      uid: logged,
      also: uid("BTCUSDT"),
    });
    expect(resolveSignal(signalOf({ symbol: "xbtusd" }), snapshot, uid("BTCUSDT"))).toMatchObject({
      uid: uid("BTCUSDT"),
      also: uid("XBTUSD"),
    });
  });

  test("has the uid in an answer that it is recorded with", () => {
    expect(uidIn(signalOf({ symbol: "xbtusd" }), snapshot)).toBe(uid("BTCUSDT"));
    expect(uidIn(signalOf({ symbol: "sol", message: "unknown" }), snapshot)).toBe(
      uidOf("SOL", "unknown", NOW - 60_000),
    );
  });
});
