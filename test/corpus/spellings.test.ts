import * as fc from "fast-check";
import { expect, test } from "vitest";
import { processSignals } from "../../functions/process-signals.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import type { Snapshot } from "../../shared/reference/snapshot.ts";
import { respelt, writtenTime } from "../arbitraries.ts";
import { contextFrom, effectsOf, NOW, recordIn, signalFields } from "../builders.ts";
import { snapshotWith } from "../shared/decide/symbols-fixture.ts";

/** A signal is the same signal however its sender writes it, from the fields to the claim. */

const SYMBOLS = [
  "BTCUSDT",
  "BTCUSDT.P",
  "BTC/USDT",
  "XBT",
  "XBT.P",
  "BINANCE:BTCUSDT",
  "BYBIT:BTCUSDT.P",
  "OKX:XBT",
];
const SNAPSHOT = snapshotWith({ BTCUSDT: { aliases: ["BTC/USDT", "XBT"], exchanges: "*" }, ETHUSDT: {} });
const BAR = NOW - 60_000;

const sent = (symbols: readonly string[], at = BAR): fc.Arbitrary<Sent> =>
  fc.record({
    message: respelt("SIGNAL_1_LONG"),
    symbol: fc.constantFrom(...symbols).chain(respelt),
    bar_time: writtenTime(at),
  });
type Sent = Readonly<Record<"message" | "symbol" | "bar_time", string>>;

/** What becomes of signals that are decided one after the other, each on its snapshot. */
function decidedInTurn(signals: readonly (readonly [Sent, Snapshot])[]): string[] {
  const claims = new SimulatedClaims();
  return signals.map(([fields, snapshot], n) => {
    const id = `${NOW}-${n}`;
    const [result] = processSignals([{ id, fields: signalFields(fields) }], contextFrom({ snapshot }));
    const effects = effectsOf(result);
    const { claim } = effects;
    if (claim === undefined) return recordIn(effects).reason ?? "";
    if (claims.holderBefore(claim, id, new Map()) !== undefined) return "duplicate";
    claims.claim(claim, id);
    return `dispatched as ${recordIn(effects).symbol}`;
  });
}

test("every spelling of a symbol, a phrase and a time is a duplicate of every other", () => {
  fc.assert(
    fc.property(fc.array(sent(SYMBOLS), { minLength: 2, maxLength: 4 }), (signals) => {
      const [first, ...rest] = decidedInTurn(signals.map((fields) => [fields, SNAPSHOT]));
      expect(first).toBe("dispatched as BTCUSDT");
      expect(new Set(rest)).toEqual(new Set(["duplicate"]));
    }),
    { numRuns: 50 },
  );
});

test("another symbol, or another bar, is none", () => {
  fc.assert(
    fc.property(sent(SYMBOLS), sent(["ETHUSDT"]), sent(SYMBOLS, BAR - 60_000), (first, symbol, bar) => {
      const all = decidedInTurn([first, symbol, bar].map((fields) => [fields, SNAPSHOT]));
      expect(all).toEqual(["dispatched as BTCUSDT", "dispatched as ETHUSDT", "dispatched as BTCUSDT"]);
    }),
    { numRuns: 50 },
  );
});

test("an alert that is sent again is traded once, although its alias means another ticker by then", () => {
  const before = snapshotWith({ BTCUSDT: { aliases: ["XBT"] }, ETHUSDT: {} });
  const after = snapshotWith({ BTCUSDT: {}, ETHUSDT: { aliases: ["XBT"] } });
  const without = snapshotWith({ BTCUSDT: {}, ETHUSDT: {} });
  fc.assert(
    fc.property(sent(["XBT"]), sent(["XBT"]), (first, again) => {
      expect(
        decidedInTurn([
          [first, before],
          [again, after],
        ]),
      ).toEqual(["dispatched as BTCUSDT", "duplicate"]);
      expect(
        decidedInTurn([
          [first, without],
          [again, before],
          [first, after],
        ]),
      ).toEqual(["unknown_ticker", "dispatched as BTCUSDT", "duplicate"]);
    }),
    { numRuns: 50 },
  );
});
