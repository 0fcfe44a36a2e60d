import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { processSignals } from "../../../functions/process-signals.ts";
import { resolveSignal } from "../../../shared/decide/resolve-symbol.ts";
import { SimulatedClaims } from "../../../shared/decide/simulated-claims.ts";
import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import { contextFrom, effectsOf, entryFrom, signalFields, tasksIn } from "../../builders.ts";
import { signalOf, snapshotWith, type TickersGiven } from "./symbols-fixture.ts";

/** Whatever a spelling means from signal to signal of one bar: nothing is traded twice, and no ticker stops another one. */

interface Sent {
  readonly symbol: string;
  readonly on: TickersGiven;
}

/** The ticker that each signal is dispatched for, in order; null: it is a duplicate, or its ticker is unknown. */
function tradedBy(sent: readonly Sent[]): (string | null)[] {
  const claims = new SimulatedClaims();
  return sent.map(({ symbol, on }, i) => {
    const entry = entryFrom(signalFields({ symbol }), { sequence: i });
    const effects = effectsOf(processSignals([entry], contextFrom({ snapshot: snapshotWith(on) }))[0]);
    const { claim } = effects;
    if (claim === undefined || claims.holderBefore(claim, entry.id, new Map()) !== undefined) return null;
    claims.claim(claim, entry.id);
    return tasksIn(effects)[0]?.["symbol"] ?? null;
  });
}

const listed: TickersGiven = { BTC: {}, ETH: {} };
const alias = (symbol: string, ...aliases: string[]): TickersGiven => ({ ...listed, [symbol]: { aliases } });
const perpetual: TickersGiven = { ...listed, "BTC.P": {} };

describe("a signal and its resend", () => {
  test.each<[what: string, first: Sent, resend: Sent]>([
    ["as they are", { symbol: "BTC", on: listed }, { symbol: " btc", on: listed }],
    [
      "by two spellings",
      { symbol: "XBT", on: alias("BTC", "XBT") },
      { symbol: "BTC", on: alias("BTC", "XBT") },
    ],
    ["X and X.P as one ticker", { symbol: "BTC.P", on: listed }, { symbol: "BTC", on: listed }],
    ["whose alias was removed", { symbol: "XBT", on: alias("BTC", "XBT") }, { symbol: "XBT", on: listed }],
    [
      "whose alias means another ticker",
      { symbol: "XBT", on: alias("BTC", "XBT") },
      { symbol: "XBT", on: alias("ETH", "XBT") },
    ],
    [
      "whose alias became a ticker",
      { symbol: "XBT", on: alias("BTC", "XBT") },
      { symbol: "XBT", on: { ...listed, XBT: {} } },
    ],
    [
      "whose ticker became an alias",
      { symbol: "XBT", on: { ...listed, XBT: {} } },
      { symbol: "XBT", on: alias("BTC", "XBT") },
    ],
    ["whose X.P was listed", { symbol: "BTC.P", on: listed }, { symbol: "BTC.P", on: perpetual }],
    ["whose X.P was removed", { symbol: "BTC.P", on: perpetual }, { symbol: "BTC.P", on: listed }],
    [
      "whose exchanges were widened",
      { symbol: "N:BTC", on: alias("ETH", "N:BTC") },
      { symbol: "N:BTC", on: { ...listed, BTC: { exchanges: "*" } } },
    ],
  ])("%s are traded once", (_what, first, resend) => {
    const [one, two] = tradedBy([first, resend]);
    expect(one).not.toBeNull();
    expect(two).toBeNull();
  });

  test("are traded then, where the first was of an unknown ticker", () => {
    const sent = [
      { symbol: "XBT", on: listed },
      { symbol: "XBT", on: alias("BTC", "XBT") },
    ];
    expect(tradedBy([...sent, { symbol: "BTC", on: listed }])).toEqual([null, "BTC", null]);
  });
});

test("X and X.P that are both listed trade both in one bar, by any of their spellings once", () => {
  const on: TickersGiven = { BTC: { aliases: ["XBT"], exchanges: "*" }, "BTC.P": { aliases: ["PERP"] } };
  const symbols = ["BTC.P", "BTC", "XBT", "PERP", "K:BTC", "XBT.P"];
  expect(tradedBy(symbols.map((symbol) => ({ symbol, on })))).toEqual([
    "BTC.P",
    "BTC",
    null,
    null,
    null,
    null,
  ]);
});

describe("any changes of the reference between any signals of one bar", () => {
  const SYMBOLS = ["A", "A.P", "B", "S", "S.P", "X:A", "X:A.P", "X:S"];
  const anyTickers: fc.Arbitrary<TickersGiven> = fc
    .record({
      symbols: fc.subarray(["A", "A.P", "B", "S"], { minLength: 1 }),
      meant: fc.dictionary(fc.constantFrom(...SYMBOLS), fc.nat(3)),
      exchanges: fc.array(fc.constantFrom(undefined, "*" as const, ["X"], ["Y"]), {
        minLength: 4,
        maxLength: 4,
      }),
    })
    .map(({ symbols, meant, exchanges }) =>
      Object.fromEntries(
        symbols.map((symbol, i) => {
          const aliases = Object.keys(meant).filter(
            (name) => !symbols.includes(name) && (meant[name] ?? 0) % symbols.length === i,
          );
          return [symbol, { aliases, ...(exchanges[i] === undefined ? {} : { exchanges: exchanges[i] }) }];
        }),
      ),
    );
  const anySent = fc.record({ symbol: fc.constantFrom(...SYMBOLS, " a ", "s.p"), on: anyTickers });

  /** The names of a signal: the ticker it means, and what was sent. */
  const namesOf = ({ symbol, on }: Sent): [ticker: string, spelling: string] => {
    const snapshot: Snapshot = snapshotWith(on);
    return [resolveSignal(signalOf({ symbol }), snapshot).symbol, symbol.trim().toUpperCase()];
  };

  test("trade no ticker and no spelling twice, and stop only what was traded before by one of its names", () => {
    fc.assert(
      fc.property(fc.array(anySent, { minLength: 2, maxLength: 8 }), (sent) => {
        const traded = new Set<string>();
        const expected = sent.map((one) => {
          const names = namesOf(one);
          if (one.on[names[0]] === undefined || names.some((name) => traded.has(name))) return null;
          for (const name of names) traded.add(name);
          return names[0];
        });
        const answers = tradedBy(sent);
        expect(answers).toEqual(expected);
        const dispatched = answers.filter((symbol) => symbol !== null);
        expect(new Set(dispatched).size).toBe(dispatched.length);
      }),
      { numRuns: 300 },
    );
  });

  test("or none: every ticker is traded once, whatever it is called", () => {
    fc.assert(
      fc.property(anyTickers, fc.shuffledSubarray([...SYMBOLS, " a "], { minLength: 1 }), (on, symbols) => {
        const sent = symbols.map((symbol) => ({ symbol, on }));
        const meant = sent.map((one) => namesOf(one)[0]).filter((ticker) => on[ticker] !== undefined);
        const traded = tradedBy(sent).filter((symbol) => symbol !== null);
        expect(traded.toSorted()).toEqual([...new Set(meant)].toSorted());
      }),
    );
  });
});
